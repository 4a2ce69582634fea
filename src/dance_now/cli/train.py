"""``dance-now train``: a character file from an avatar or a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.cli.options import Bones, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.errors import DanceNowError

_TrainingSource = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.dance")]


def train(
    source: _TrainingSource,
    /,
    output: _Output,
    *,
    preset: Literal["debug", "quick", "full"] = "quick",
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
        source: an avatar (.vrm, .glb; mascot is built in), or a folder made by dance-now render.
        output: the character file to write; the run is kept beside it in NAME.run.
        preset: debug takes seconds and proves the chain, quick fits a CPU, full wants a GPU.
        motions: a file of motions (.bvh, .vrma, .glb, .gltf, DeepMimic's .txt) or a folder of them, in place
            of the 23 minutes that are built in.
        steps: another number of training steps than the preset's.
        images: another number of pictures of the avatar than the preset's.
        licence: the character's licence, in full; without it, as the avatar's file names it.
        credits: the credit the licence asks for; without it, the authors the avatar's file names.
        hide: leave out a node, mesh or material of this name, such as a weapon; may be given several times.
        bones: a JSON file that names the nodes of humanoid bones: {"leftUpperArm": "Arm_L", ...}.
        i_have_permission: the avatar's owner allows what its licence forbids.
    """
    with needs_extra("train"):
        from dance_now.studio.avatar_options import AvatarOptions
        from dance_now.studio.mascot.built_in import avatar_file
        from dance_now.training.config import PRESETS
        from dance_now.training.pipeline import Rights
        from dance_now.training.pipeline import train as train_character

    config = PRESETS[preset]
    for option, value in (("steps", steps), ("images", images)):
        if value is not None and value < 1:
            raise DanceNowError(f"--{option} must be at least 1, not {value}.")
    config = replace(config, steps=steps or config.steps, images=images or config.images)
    with avatar_file(source) as avatar, ProgressBars() as bars:
        result = train_character(
            avatar,
            output,
            config,
            motions=motions,
            rights=Rights(licence, credits),
            options=AvatarOptions(hide=hide, bones=bones, has_permission=i_have_permission),
            report=bars.update,
        )
    say(
        f"{output}: PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f} "
        f"(medians of {result.pictures} test pictures)"
    )
