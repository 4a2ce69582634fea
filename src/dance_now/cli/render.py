"""``dance-now render``: renders a training data set or a video from an avatar."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import tyro

from dance_now.cli.options import Bones, Count, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars, frame_count
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
    """Render a training data set from an avatar: pictures with alpha, and keypoints as OpenPose JSON.

    Rerun to resume. With a video as output (.mp4, .webm, .mov, .gif), render one motion (--motions FILE).

    Args:
        avatar: .vrm file, .glb file with a humanoid skeleton, or mascot for the built-in avatar.
        output: folder or video to write.
        images: number of pictures; default: 4000.
        motions: motion file (.bvh, .vrma, .glb, .gltf, .txt of DeepMimic) or folder; default: built-in.
        hide: leave out a node, mesh or material by name, such as a weapon.
        bones: JSON file that maps humanoid bones to nodes: {"leftUpperArm": "Arm_L", ...}.
        size: width and height of the pictures, pixels.
        seed: random seed.
        workers: rendering processes; default: one per CPU core.
        shards: write WebDataset tar files; train needs folders.
        overwrite: replace an existing data set or video.
        i_have_permission: the avatar's owner permits what its licence forbids.
    """
    for option, value in (("images", images), ("workers", workers)):
        if value is not None and value < 1:
            raise DanceNowError(f"{option} must be at least 1, not {value}.", option=option)
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
                raise DanceNowError("motions must be a motion file to render a video.", option="motions")
            frames = render_clip(
                path, output, motions, size=size, options=options, overwrite=overwrite, progress=report
            )
            line = f"{output}: {frame_count(frames)}"
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
            line = f"{output}: {summary.train} training and {summary.test} test pictures"
    say(line)
