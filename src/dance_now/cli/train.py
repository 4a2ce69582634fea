"""``dance-now train``: trains a character from an avatar, a data set, or a video of a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dance_now.cli.inspect import say_what_was_found
from dance_now.cli.options import Bones, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.cli.shared.batch_flags import NO_FLAGS, Batch, folder_for, run_batch
from dance_now.core.errors import DanceNowError, UsageError

if TYPE_CHECKING:
    from dance_now.training.sticks.sticks_config import SticksConfig
    from dance_now.training.train_config import PresetName

_TrainingSource = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
_MoreAvatars = Annotated[
    tuple[str, ...],
    tyro.conf.Positional,
    tyro.conf.arg(metavar="[AVATAR ...]", help_behavior_hint=""),
]
_Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="")]
_Start = Annotated[str | None, tyro.conf.arg(name="from", metavar="NAME.dance", help_behavior_hint="")]
_File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.dance")]


def train(
    source: _TrainingSource,
    more: _MoreAvatars,
    /,
    output: _Output,
    *,
    preset: Literal["debug", "quick", "standard", "full"] = "quick",
    template: Annotated[
        Literal["surface", "points", "sticks"] | None,
        tyro.conf.arg(
            metavar="{surface,points,sticks}",
            help_behavior_hint="(default: surface for an avatar, else points)",
        ),
    ] = None,
    start: _Start = None,
    stage: Literal["heads", "body", "fake-heads", "head", "export", "all"] = "all",
    head_size: OptionalCount = None,
    motions: OptionalFolder = None,
    steps: OptionalCount = None,
    images: OptionalCount = None,
    licence: _Text = None,
    credits: _Text = None,
    hide: Hide = (),
    bones: Bones = None,
    springs: Literal["file", "auto"] = "file",
    mask: _File = None,
    joints: _File = None,
    i_have_permission: Flag = False,
    batch: Batch = NO_FLAGS,
) -> None:
    """Train a character, or one for each of several avatars. Rerun to resume.

    Args:
        source: avatar (.vrm, .glb or mascot), picture of one figure (see dance-now rig), folder made by
            dance-now render, or video of a person.
        more: more avatars, also @LIST (a file that lists some), each to NAME.dance in the folder -o.
        output: character file to write; the run is kept beside it in NAME.run. Of several, the folder.
        preset: of networks: debug is a smoke test; quick takes 10 minutes, standard an hour on 2 cores; full
            needs a GPU.
        template: surface (the avatar's own surface, nothing is learned, a minute or two), points (a network
            of neural points) or sticks (pix2pixHD on stick figures with a head network).
        start: go on with the network of this points character, which is of the same avatar, video or
            pictures, instead of a new one.
        stage: run one stage only; points have body and export.
        head_size: size of the head crop of sticks, pixels.
        motions: motion file (.bvh, .vmd, .vrma, .glb, .gltf, .npz of SMPL, .txt of DeepMimic) or folder;
            default: built-in.
        steps: number of training steps, instead of the preset's.
        images: number of rendered pictures, instead of the preset's.
        licence: the character's licence, in full; default: the avatar's. Pictures and videos need one.
        credits: credit line; default: the avatar's authors. Pictures and videos need one.
        hide: leave out a node, mesh or material by name, such as a weapon.
        bones: JSON file that maps humanoid bones to nodes: {"leftUpperArm": "Arm_L", ...}.
        springs: auto gives gentle springs to an avatar that has none: hair, skirts, tails, by name or as they
            hang.
        mask: of a picture: picture of the same size, white on the figure, instead of what is found.
        joints: of a picture: OpenPose JSON with the figure's joints, instead of what is found.
        i_have_permission: the avatar's owner permits what its licence forbids.
        batch: how several avatars are processed.
    """
    with needs_extra("studio"):
        from dance_now.picture_rig.rig_picture import RigOptions
        from dance_now.render.avatar.avatar_options import AvatarOptions
        from dance_now.render.avatar.mascot import MASCOT, avatar_file
        from dance_now.training.character_card import Rights
        from dance_now.training.train_character import HEAD_STAGES
        from dance_now.training.train_character import train as train_character
        from dance_now.training.train_config import PRESETS

    config = PRESETS[preset]
    for option, value in (("steps", steps), ("images", images), ("head_size", head_size)):
        if value is not None and value < 1:
            raise DanceNowError(f"{option} must be at least 1, not {value}.", option=option)
    config = replace(config, steps=steps or config.steps, images=images or config.images)
    if template != "sticks" and stage in HEAD_STAGES:
        say(f"Nothing to do for --stage {stage}: only sticks have a network of their own for the head.")
        return
    if head_size is not None and (head_size % 4 or not 16 <= head_size <= 512):
        raise DanceNowError(
            f"head_size must be a multiple of 4 from 16 to 512, not {head_size}.", option="head_size"
        )
    rights = Rights(licence, credits)
    options = AvatarOptions(hide=hide, bones=bones, has_permission=i_have_permission, springs=springs)
    sticks = _sticks(preset, head_size) if template == "sticks" else None
    if more or batch.is_given or output.is_dir() or str(source).startswith("@") or "*" in str(source):
        from dance_now.batch.batch_sources import BatchSource, list_sources
        from dance_now.batch.works.train_work import TrainWork

        if stage != "all" or start is not None:
            raise UsageError("--stage and --from are for one character; there are several.")
        work = TrainWork(
            config=config, rights=rights, options=options, motions=motions, template=template, sticks=sticks
        )
        avatars = [str(source), *more]
        files = [avatar for avatar in avatars if avatar_file(Path(avatar)) == Path(avatar)]
        listed = list_sources(files) if files else []
        if len(files) < len(avatars):  # the one that ships lies in the package
            listed.append(BatchSource(str(avatar_file(Path(MASCOT))), PurePosixPath()))
        run_batch(work, listed, folder_for(output), batch.options(overwrite=False, timeout=0.0))
        return
    path = avatar_file(source)
    say_what_was_found(path, options)
    with needs_extra("train"), ProgressBars() as bars:
        result = train_character(
            path,
            output,
            config,
            motions=motions,
            rights=rights,
            options=options,
            template=template,
            sticks=sticks,
            stage=stage,
            start=start,
            rig=RigOptions(mask=mask, joints=joints),
            report=bars.update,
        )
    if result is None:
        if stage not in ("export", "all"):  # else this is one of several workers, of which the first reports
            say(f"{output.with_suffix('.run')}: stage {stage} is done")
        return
    say(
        f"{output}: PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f} "
        f"(medians of {result.pictures} test pictures)"
    )


def _sticks(preset: PresetName, head_size: int | None) -> SticksConfig:
    """Sizes of the networks of ``sticks``."""
    from dance_now.training.sticks.sticks_config import STICKS

    return replace(STICKS[preset], head_size=head_size)
