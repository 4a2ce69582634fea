"""``dance-now render``: a training data set from an avatar, or a video of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import tyro

from dance_now.cli.options import Bones, Count, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import VIDEO_EXTENSIONS

_Avatar = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="AVATAR")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
_IMAGES: Final = 4000


def render(
    avatar: _Avatar,
    /,
    output: _Output,
    *,
    images: OptionalCount = None,
    motions: OptionalFolder = None,
    hide: Hide = (),
    bones: Bones = None,
    size: Count = 512,
    seed: Count = 0,
    workers: OptionalCount = None,
    shards: Flag = False,
    overwrite: Flag = False,
    i_have_permission: Flag = False,
) -> None:
    """Render an avatar in many poses: pictures with alpha, and their keypoints as OpenPose JSON.

    If it is interrupted, the same command goes on from what was drawn.
    With a video as output (.mp4, .webm, .mov, .gif), it performs one motion, the file given with --motions.

    Args:
        avatar: a .vrm file, a .glb file with a humanoid skeleton, or mascot for the built-in avatar.
        output: the folder to write, or a video.
        images: how many pictures; 4000 without it.
        motions: a file of motions (.bvh, .vrma, .glb, .gltf, DeepMimic's .txt) or a folder of them, in place
            of the 23 minutes that are built in.
        hide: leave out a node, mesh or material of this name, such as a weapon; may be given several times.
        bones: a JSON file that names the nodes of humanoid bones: {"leftUpperArm": "Arm_L", ...}.
        size: edge of the square pictures, pixels.
        seed: the same seed gives the same pictures.
        workers: processes that render at once; as many as there are processor cores by default.
        shards: pack pictures and labels into tar files as WebDataset reads them; train needs folders.
        overwrite: replace an existing data set or video.
        i_have_permission: the avatar's owner allows what its licence forbids.
    """
    for option, value in (("images", images), ("workers", workers)):
        if value is not None and value < 1:
            raise DanceNowError(f"--{option} must be at least 1, not {value}.")
    with needs_extra("studio"):
        from dance_now.render.avatar.avatar_options import AvatarOptions
        from dance_now.render.avatar.mascot import avatar_file
        from dance_now.synthesis.avatar_clip import render_clip
        from dance_now.synthesis.dataset import render_dataset

    options = AvatarOptions(hide=hide, bones=bones, has_permission=i_have_permission)
    path = avatar_file(avatar)
    with ProgressBars() as bars:

        def report(done: int, total: int) -> None:
            bars.update("render", done, total)

        if output.suffix.lower() in VIDEO_EXTENSIONS:
            if motions is None or motions.is_dir():
                raise DanceNowError(f"{output} shows one motion: give its file with --motions.")
            frames = render_clip(
                path, output, motions, size=size, options=options, overwrite=overwrite, progress=report
            )
            line = f"{output}: {frames} pictures"
        else:
            summary = render_dataset(
                path,
                output,
                images or _IMAGES,
                motions,
                seed=seed,
                size=size,
                workers=workers or os.cpu_count() or 1,
                overwrite=overwrite,
                shards=shards,
                options=options,
                progress=report,
            )
            line = f"{output}: {summary.train} pictures to train on, {summary.test} to test with"
    say(line)
