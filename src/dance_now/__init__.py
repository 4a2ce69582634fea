"""dance_now: replaces people in photos and videos with anime characters that copy their poses.

The public names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dance_now.app.dance import DanceResult as DanceResult
    from dance_now.app.dance import dance as dance
    from dance_now.app.dance_options import DanceOptions as DanceOptions
    from dance_now.app.dancer import Dancer as Dancer
    from dance_now.batch.dance_many import dance_many as dance_many
    from dance_now.character.character import Character as Character
    from dance_now.core.errors import DanceNowError as DanceNowError
    from dance_now.media.frame import Frame as Frame
    from dance_now.media.open_media import open_source as open_source
    from dance_now.pose.model.pose import Pose as Pose
    from dance_now.scene.compositing.composition import Scene as Scene

__version__ = "0.2.0"
__all__ = [
    "Character",
    "DanceNowError",
    "DanceOptions",
    "DanceResult",
    "Dancer",
    "Frame",
    "Pose",
    "Scene",
    "__version__",
    "dance",
    "dance_many",
    "open_source",
]

_MODULES = {
    "Character": "dance_now.character.character",
    "DanceNowError": "dance_now.core.errors",
    "DanceOptions": "dance_now.app.dance_options",
    "DanceResult": "dance_now.app.dance",
    "Dancer": "dance_now.app.dancer",
    "Frame": "dance_now.media.frame",
    "Pose": "dance_now.pose.model.pose",
    "Scene": "dance_now.scene.compositing.composition",
    "dance": "dance_now.app.dance",
    "dance_many": "dance_now.batch.dance_many",
    "open_source": "dance_now.media.open_media",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'dance_now' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
