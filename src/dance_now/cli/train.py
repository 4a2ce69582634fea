"""``dance-now train``: a character file from an avatar, a data set, or a video of somebody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.cli.options import Bones, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.core.errors import DanceNowError

_TrainingSource = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.dance")]


def train(
    source: _TrainingSource,
    /,
    output: _Output,
    *,
    preset: Literal["debug", "quick", "standard", "full"] = "quick",
    generator: Literal["points", "sticks"] = "points",
    stage: Literal["heads", "body", "fake-heads", "head", "export", "all"] = "all",
    head_size: OptionalCount = None,
    motions: OptionalFolder = None,
    steps: OptionalCount = None,
    images: OptionalCount = None,
    licence: str | None = None,
    credits: str | None = None,
    hide: Hide = (),
    bones: Bones = None,
    i_have_permission: Flag = False,
) -> None:
    """Train a character; the same command goes on with a run that was interrupted.

    Args:
        source: an avatar (.vrm, .glb; mascot is built in), a folder made by dance-now render, a folder of
            pictures with OpenPose labels (train_img, train_label), or a video of somebody.
        output: the character file to write; the run is kept beside it in NAME.run.
        preset: debug takes seconds and proves the chain, quick about ten minutes on two cores, standard about
            an hour on them, full wants a GPU.
        generator: points, or the original's: drawn sticks into a pix2pixHD body and a residual head.
        stage: one stage of the sticks alone; points know body and export.
        head_size: side in pixels of the square around the head that sticks draw once more.
        motions: a file of motions (.bvh, .vrma, .glb, .gltf, DeepMimic's .txt) or a folder of them, in place
            of the 23 minutes that are built in.
        steps: another number of training steps than the preset's.
        images: another number of pictures of the avatar than the preset's.
        licence: the character's licence, in full; without it, as the avatar's file names it.
        credits: the credit the licence asks for; without it, the authors the avatar's file names. Pictures
            and videos need both.
        hide: leave out a node, mesh or material of this name, such as a weapon; may be given several times.
        bones: a JSON file that names the nodes of humanoid bones: {"leftUpperArm": "Arm_L", ...}.
        i_have_permission: the avatar's owner allows what its licence forbids.
    """
    with needs_extra("train"):
        from dance_now.render.avatar.avatar_options import AvatarOptions
        from dance_now.render.avatar.mascot import avatar_file
        from dance_now.training.character_export import Rights
        from dance_now.training.sticks.sticks_config import STICKS
        from dance_now.training.train_character import HEAD_STAGES
        from dance_now.training.train_character import train as train_character
        from dance_now.training.train_config import PRESETS

    config = PRESETS[preset]
    for option, value in (("steps", steps), ("images", images), ("head-size", head_size)):
        if value is not None and value < 1:
            raise DanceNowError(f"--{option} must be at least 1, not {value}.")
    config = replace(config, steps=steps or config.steps, images=images or config.images)
    if generator == "points" and stage in HEAD_STAGES:
        say(f"Nothing to do for --stage {stage}: points draw heads in the same network as the body.")
        return
    if head_size is not None and (head_size % 4 or not 16 <= head_size <= 512):
        raise DanceNowError(f"--head-size must be a multiple of 4 from 16 to 512, not {head_size}.")
    sticks = replace(STICKS[preset], head_size=head_size) if generator == "sticks" else None
    with ProgressBars() as bars:
        result = train_character(
            avatar_file(source),
            output,
            config,
            motions=motions,
            rights=Rights(licence, credits),
            options=AvatarOptions(hide=hide, bones=bones, has_permission=i_have_permission),
            sticks=sticks,
            stage=stage,
            report=bars.update,
        )
    if result is None:
        if stage not in ("export", "all"):  # else this is one of several workers, of which the first tells
            say(f"{output.with_suffix('.run')}: stage {stage} is done")
        return
    say(
        f"{output}: PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f} "
        f"(medians of {result.pictures} test pictures)"
    )
