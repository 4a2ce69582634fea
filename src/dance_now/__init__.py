"""dance_now: an anime character that moves as you move.

The public face: ``Character``, ``Dancer``, ``Pose`` and ``dance``; loaded on first use, so that importing
the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dance_now.app.dance import dance as dance
    from dance_now.app.dancer import Dancer as Dancer
    from dance_now.character.character import Character as Character
    from dance_now.pose.model.pose import Pose as Pose

__version__ = "0.1.0"
__all__ = ["Character", "Dancer", "Pose", "__version__", "dance"]

_HOMES = {
    "Character": "dance_now.character.character",
    "Dancer": "dance_now.app.dancer",
    "Pose": "dance_now.pose.model.pose",
    "dance": "dance_now.app.dance",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dance_now' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
