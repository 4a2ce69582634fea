"""``dance-now rig``: makes a rigged avatar of one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, needs_extra, remark, say

_Picture = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.vrm")]
_Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="(required)")]
_File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


def rig(
    picture: _Picture,
    /,
    output: _Output,
    *,
    licence: _Text = None,
    credits: _Text = None,
    mask: _File = None,
    joints: _File = None,
    overwrite: Flag = False,
) -> None:
    """Make a rigged avatar (VRM 1.0) of one figure in a picture.

    The figure stands, faces the viewer, and has its arms off its body. Also writes NAME_joints.png, a picture
    of what was found, and NAME_joints.json, to correct by hand and pass as --joints. Of a bust the upper body
    is rigged.

    Args:
        picture: illustration or photo; transparent, plain or busy ground.
        output: avatar to write.
        licence: licence of the picture, by name or address.
        credits: who made the picture.
        mask: picture of the same size, white on the figure, instead of what is found.
        joints: OpenPose JSON with the joints, in pixels of the picture, instead of what is found.
        overwrite: replace an existing avatar.
    """
    with needs_extra("studio"):
        from dance_now.picture_rig.rig_picture import RigOptions, rig_picture

    options = RigOptions(mask=mask, joints=joints, overwrite=overwrite)
    report = rig_picture(picture, output, licence=licence, credits=credits, options=options)
    for note in report.notes:
        remark(f"note: {note}")
    say(f"{report.avatar}: an avatar; {report.sheet} shows what was found")
