"""Options for loading an avatar: hidden parts, bone mapping, permission."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import parse_json, read_bounded
from dance_now.formats3d.humanoid.bone_names import HUMANOID_BONES
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.guessed_springs import with_guessed_springs

_MAX_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class AvatarOptions:
    """Loading options of an avatar.

    Attributes:
        hide: names of nodes, meshes or materials to leave out (weapons, say).
        bones: a JSON file that maps humanoid bones to nodes, see ``read_bone_nodes``.
        has_permission: the owner permits what the file's licence forbids.
        springs: ``file`` (the avatar's own) or ``auto``: an avatar without any gets gentle ones, see
            ``with_guessed_springs``.
    """

    hide: tuple[str, ...] = ()
    bones: Path | None = None
    has_permission: bool = False
    springs: Literal["file", "auto"] = "file"

    def load(self, path: Path) -> Avatar:
        """Loads an avatar.

        Raises:
            DanceNowError: see ``load_avatar`` and ``read_bone_nodes``; its licence forbids making a character
                of it; or a name in ``hide`` that it lacks.
        """
        avatar = load_avatar(path, None if self.bones is None else read_bone_nodes(self.bones))
        if avatar.prohibitions and not self.has_permission:
            raise DanceNowError(
                f"The licence of {path.name} says that {' and that '.join(avatar.prohibitions)}. "
                "Set has_permission if its owner permits making a character of it."
            )
        avatar.shown_primitives(self.hide)
        return with_guessed_springs(avatar) if self.springs == "auto" else avatar

    def to_json(self) -> dict[str, Any]:
        """The options that affect rendered images; empty for the defaults."""
        hidden = {"hide": sorted(self.hide)} if self.hide else {}
        named = {"bones": read_bone_nodes(self.bones)} if self.bones is not None else {}
        guessed = {"springs": self.springs} if self.springs != "file" else {}
        return {**hidden, **named, **guessed}


DEFAULT_OPTIONS: Final = AvatarOptions()


def read_bone_nodes(path: Path) -> dict[str, str]:
    """Reads a bone mapping: a JSON object, ``{"leftUpperArm": "Arm_L", ...}``.

    Bones have the names of VRM 0.x; bones left out are matched by their usual names.

    Raises:
        DanceNowError: unreadable, not such an object, or an unknown humanoid bone.
    """
    try:
        table = parse_json(read_bounded(path, _MAX_BYTES))
    except ValueError as error:
        raise DanceNowError(f"{path} is not valid JSON.") from error
    if not isinstance(table, dict) or not all(isinstance(node, str) for node in table.values()):
        raise DanceNowError(f'{path} must be an object of bone and node names: {{"hips": "Root_M"}}.')
    strange = [bone for bone in table if bone not in HUMANOID_BONES]
    if strange:
        known = ", ".join(sorted(HUMANOID_BONES))
        raise DanceNowError(f"{path}: {strange[0]!r} is not a humanoid bone. Known bones: {known}.")
    return table
