"""``dance-now render``: renders a training data set or a video from an avatar."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import tyro

from dance_now.cli.inspect import say_what_was_found
from dance_now.cli.options import Bones, Count, Flag, Hide, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.cli.shared.report import frame_count
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores
from dance_now.media.open_media import VIDEO_EXTENSIONS

if TYPE_CHECKING:
    from dance_now.synthesis.dataset import RenderAll

_Avatar = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="AVATAR")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
_Clip = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
_SEVERAL_CLIPS: Final = (".glb", ".gltf", ".vrma")
_Shard = Annotated[str | None, tyro.conf.arg(metavar="I/N", help_behavior_hint="")]
_Cluster = Annotated[str | None, tyro.conf.arg(metavar="auto|ADDRESS", help_behavior_hint="")]
_Cpus = Annotated[float, tyro.conf.arg(metavar="N")]
_IMAGES: Final = 4000


def render(
    avatar: _Avatar,
    /,
    output: _Output,
    *,
    images: OptionalCount = None,
    motions: OptionalFolder = None,
    clip: _Clip = None,
    hide: Hide = (),
    bones: Bones = None,
    size: Count = 512,
    seed: Count = 0,
    workers: OptionalCount = None,
    shards: Flag = False,
    overwrite: Flag = False,
    i_have_permission: Flag = False,
    shard: _Shard = None,
    cluster: _Cluster = None,
    cpus: _Cpus = 1.0,
) -> None:
    """Render a training data set from an avatar: pictures with alpha, and keypoints as OpenPose JSON.

    Rerun to resume. With a video as output (.mp4, .webm, .mov, .gif), render one motion (--motions FILE).

    Args:
        avatar: .vrm file, .glb file with a humanoid skeleton, or mascot for the built-in avatar.
        output: folder or video to write.
        images: number of pictures; default: 4000.
        motions: motion file (.bvh, .vmd, .vrma, .glb, .gltf, .npz of SMPL, .txt of DeepMimic) or folder;
            default: built-in.
        clip: for a video, the clip of a motion file that holds several; default: the first.
        hide: leave out a node, mesh or material by name, such as a weapon.
        bones: JSON file that maps humanoid bones to nodes: {"leftUpperArm": "Arm_L", ...}.
        size: width and height of the pictures, pixels.
        seed: random seed.
        workers: rendering processes; default: one per CPU core.
        shards: write WebDataset tar files; train needs folders.
        overwrite: replace an existing data set or video.
        i_have_permission: the avatar's owner permits what its licence forbids.
        shard: render only part I of N into the shared folder; the last one completes the data set.
        cluster: Ray cluster that renders: auto, local or HOST:PORT; --workers limits it; needs [cluster].
        cpus: cores for each worker of a cluster.
    """
    for option, value in (("images", images), ("workers", workers)):
        if value is not None and value < 1:
            raise DanceNowError(f"{option} must be at least 1, not {value}.", option=option)
    with needs_extra("studio"):
        from dance_now.render.avatar.avatar_options import AvatarOptions
        from dance_now.render.avatar.mascot import avatar_file
        from dance_now.synthesis.avatar_clip import render_clip
        from dance_now.synthesis.dataset import render_dataset

    part = _part(shard)
    options = AvatarOptions(hide=hide, bones=bones, has_permission=i_have_permission)
    path = avatar_file(avatar)
    say_what_was_found(path, options)
    with ProgressBars() as bars:

        def report(done: int, total: int) -> None:
            bars.update("render", done, total)

        if output.suffix.lower() in VIDEO_EXTENSIONS:
            if motions is None or motions.is_dir():
                raise DanceNowError("motions must be a motion file to render a video.", option="motions")
            _say_clips(motions, clip)
            frames = render_clip(
                path,
                output,
                motions,
                clip=clip,
                size=size,
                options=options,
                overwrite=overwrite,
                progress=report,
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
                workers=workers or available_cores(),
                overwrite=overwrite,
                shards=shards,
                options=options,
                progress=report,
                render=None if cluster is None else _cluster_renderer(cluster, cpus, workers),
                part=part,
            )
            line = f"{output}: {summary.train} training and {summary.test} test pictures"
            if not summary.labels_hash:
                line = f"{output}: part {shard} is done; others are missing"
    say(line)


def _say_clips(motion: Path, clip: str | None) -> None:
    """Lists the clips of a motion file that holds several, where none is chosen."""
    if clip is not None or motion.suffix.lower() not in _SEVERAL_CLIPS or not motion.is_file():
        return
    from dance_now.synthesis.poses.motion import clip_names

    names = clip_names(motion)
    if len(names) > 1:
        say(f"{motion.name} has the clips {', '.join(names)}; the first is rendered (--clip NAME)")


def _part(shard: str | None) -> tuple[int, int]:
    """The part that ``--shard`` names, (i, n)."""
    from dance_now.batch.sharding import Shard

    parsed = Shard(1, 1) if shard is None else Shard.parse(shard)
    return parsed.index, parsed.count


def _cluster_renderer(address: str, cpus: float, workers: int | None) -> RenderAll:
    """Renders on a Ray cluster."""
    from dance_now.batch.runners.cluster import Cluster
    from dance_now.batch.runners.ray_pool import RayRunner
    from dance_now.batch.runners.supervisor import TimeLimit
    from dance_now.batch.works.render_work import render_with

    return partial(render_with, RayRunner(Cluster(address=address, cpus=cpus), workers, TimeLimit()))
