"""``dance-now inspect``: reports on an avatar before it is rendered or trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import tyro

from dance_now.cli.options import Bones, Flag, Hide, needs_extra, say
from dance_now.core.errors import DanceNowError

if TYPE_CHECKING:
    from dance_now.render.avatar.avatar_options import AvatarOptions

_Avatar = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="AVATAR")]
_Sheet = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="SHEET.png", help_behavior_hint="")]
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp")
_AVATARS: Final = (".vrm", ".glb")


def inspect(
    avatar: _Avatar,
    /,
    output: _Sheet = None,
    *,
    hide: Hide = (),
    bones: Bones = None,
    overwrite: Flag = False,
) -> None:
    """Report on an avatar: skeleton, size, expressions, face, springs, licence; what is missing.

    Args:
        avatar: .vrm file, .glb file with a humanoid skeleton, or mascot for the built-in avatar.
        output: picture to write: front, side and back, the face with its points, a blink and "aa".
        hide: leave out a node, mesh or material by name, such as a weapon.
        bones: JSON file that maps humanoid bones to nodes: {"leftUpperArm": "Arm_L", ...}.
        overwrite: replace an existing picture.
    """
    with needs_extra("studio"):
        from dance_now.core.atomic_write import check_target, write_file
        from dance_now.media.image.photo_sink import encode_image
        from dance_now.render.avatar.avatar_options import AvatarOptions
        from dance_now.render.avatar.avatar_report import avatar_sheet, inspect_avatar
        from dance_now.render.avatar.mascot import avatar_file

    path = avatar_file(avatar)
    if output is not None:
        if output.suffix.lower() not in _PICTURES:
            raise DanceNowError(f"output must be a picture ({', '.join(_PICTURES)}).", option="output")
        check_target(output, frozenset({path}), overwrite)
    loaded = AvatarOptions(hide=hide, bones=bones, has_permission=True).load(path)
    report, face = inspect_avatar(loaded, hide)
    for line in report.lines:
        say(line)
    for line in report.advice:
        say(f"missing: {line}")
    if output is not None:
        picture = avatar_sheet(loaded, face, hide)
        write_file(output, encode_image(picture, output.suffix.lower()), overwrite)
        say(f"{output}: front, side and back, face points, blink and aa")


def say_what_was_found(path: Path, options: AvatarOptions) -> None:
    """Prints what was found in an avatar, before work on it begins; nothing for other sources.

    Raises:
        DanceNowError: the avatar cannot be loaded.
    """
    if path.suffix.lower() not in _AVATARS or not path.is_file():
        return
    from dance_now.render.avatar.avatar_report import inspect_avatar

    report, _ = inspect_avatar(options.load(path), options.hide)
    for line in (*report.lines, *(f"missing: {advice}" for advice in report.advice)):
        say(line)
