"""Rendering time of a character per image, beside pix2pixHD's generator.

Wall time, and CPU time of all threads, which is not available to stages that run in parallel.

The baseline is pix2pixHD's global generator (Wang et al., CVPR 2018, and its published code): four
downsamplings from 64 channels, nine residual blocks, instance normalisation; 35 channels of sticks in,
512x512. Its speed does not depend on its weights, so they are random. Both run in fp32 on the CPU, in the
same process, in turns.

With --against, beside the ONNX graph that the character was at a revision before version 2 of the file, on
one thread (needs onnxruntime): in a canvas of 512, and as a figure 1000 pixels tall. Of networks
(NAME:network), also the graph that is exported today.

python benchmarks/bench_character.py [CHARACTER ...] [--rounds 3] [--threads 1 2]
python benchmarks/bench_character.py [CHARACTER ...] [--rounds 3] --against f3ba8ee
"""

from __future__ import annotations

import argparse
import io
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.character.canvas_region import BLOCK, WHOLE, canvas_region_around
from dance_now.character.canvas_window import canvas_window
from dance_now.character.character import Character, builtin_names
from dance_now.character.templates.template import FIGURE_CANVAS
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.retargeter import Retargeter
from figures import record, run_benchmark

try:
    import torch
    from torch import nn
except ImportError:
    raise SystemExit('this benchmark needs torch: pip install "dance-now[train]"') from None

CHANNELS = 35
_NETWORK: Final = ":network"  # after the name of a built-in character
DRAWN_PER_ROUND = 20
TALL = 1000  # px
ROOT = Path(__file__).resolve().parents[1]


class ResidualBlock(nn.Module):
    """Residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, width, h, w) -> the same shape."""
        return values + self.layers(values)


def global_generator() -> nn.Module:
    """Global generator: (B, 35, 512, 512) -> (B, 3, 512, 512)."""
    layers: list[nn.Module] = [
        nn.ReflectionPad2d(3),
        nn.Conv2d(CHANNELS, 64, 7),
        nn.InstanceNorm2d(64),
        nn.ReLU(),
    ]
    for width in (64, 128, 256, 512):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.InstanceNorm2d(2 * width), nn.ReLU()]
    layers += [ResidualBlock(1024) for _ in range(9)]
    for width in (1024, 512, 256, 128):
        up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)
        layers += [up, nn.InstanceNorm2d(width // 2), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()]
    return nn.Sequential(*layers).eval()


def milliseconds(run: Callable[[], object], count: int) -> tuple[float, float]:
    """Wall and CPU time per call, of ``count`` calls."""
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(count):
        run()
    wall, processor = time.perf_counter() - begun, time.process_time() - used
    return 1000 * wall / count, 1000 * processor / count


def standing(character: Character) -> Pose:
    """Rest pose of a character on its canvas."""
    relaxed = Retargeter(character.skeleton, smooth=False)(Pose.empty(), 0.0)
    return canvas_window(relaxed.pose, character.skeleton, relaxed.scale).to_canvas(relaxed.pose)


def main() -> None:
    """Command line: prints a line for each character and number of threads."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("characters", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--against", metavar="REV")
    arguments = parser.parse_args()
    if arguments.against:
        for name in arguments.characters or builtin_names():
            compare_with_graph(name, arguments.against, arguments.rounds)
        return
    original = global_generator()
    parameters = sum(weights.numel() for weights in original.parameters())
    print(f"the original: {parameters / 1e6:.1f} M parameters")
    for name in arguments.characters or builtin_names():
        for threads in arguments.threads:
            compare(name, original, threads, arguments.rounds)


def compare(name: str, original: nn.Module, threads: int, rounds: int) -> None:
    """Times both in turns on some threads; prints one line."""
    character = Character.load(name, "cpu", threads)
    torch.set_num_threads(threads)
    pose, sticks = standing(character), torch.zeros(1, CHANNELS, 512, 512)
    drawn, baseline = [], []
    with torch.inference_mode():
        original(sticks)
        character.draw(pose)
        for _ in range(rounds):
            drawn.append(milliseconds(lambda: character.draw(pose), DRAWN_PER_ROUND))
            baseline.append(milliseconds(lambda: original(sticks), 1))
    ours, theirs = np.median(drawn, axis=0), np.median(baseline, axis=0)
    case = f"{character.name}, {threads} threads"
    record(f"{case}: Character.draw", ours[0], "ms")
    record(f"{case}: Character.draw, processor", ours[1], "ms")
    record(f"{case}: the original's generator", theirs[0], "ms", "neither")
    record(f"{case}: over the original's generator", theirs[0] / ours[0], "times as fast")
    print(
        f"{character.name}, {threads} threads: Character.draw {ours[0]:.1f} ms (processor {ours[1]:.1f}), "
        f"the original's generator {theirs[0]:.0f} ms ({theirs[1]:.0f}): "
        f"{theirs[0] / ours[0]:.0f} times as fast (medians of {rounds} rounds)"
    )


def compare_with_graph(name: str, revision: str, rounds: int) -> None:
    """Times drawing and graph in turns on one thread; prints one line of processor times."""
    character, pose = Character.load(name, "cpu", 1), standing(Character.load(name))
    tall = np.float32(TALL * FIGURE_CANVAS / 512)
    large = Pose(pose.points * np.array([tall, tall, 1], np.float32), pose.depth * tall, pose.has_depth)
    side = int(np.ceil(512 * tall))
    graph = old_graph(name, revision, pose)
    scale = 512 / FIGURE_CANVAS / character.skeleton.height
    runs = [
        graph,
        lambda: character.draw_figure(pose, scale, (512, 512)),
        lambda: character.draw_figure(large, float(scale * tall), (side, side)),
    ]
    for run in runs:
        run()
    measured = [[milliseconds(run, DRAWN_PER_ROUND)[1] for run in runs] for _ in range(rounds)]
    old, small, big = np.median(measured, axis=0)
    record(f"{name}: draw_figure over the graph of {revision}, processor", small / old, "ratio", "lower")
    record(f"{name}: {TALL} px tall over the graph of {revision}, processor", big / old, "ratio", "lower")
    print(
        f"{name}, processor time: graph of {revision} {old:.1f} ms, draw_figure {small:.1f} ms "
        f"({small / old:.2f}), a figure {TALL} px tall {big:.1f} ms ({big / old:.2f})"
    )
    if name.endswith(_NETWORK):
        compare_graphs(name, revision, pose, rounds)


def compare_graphs(name: str, revision: str, pose: Pose, rounds: int) -> None:
    """Times the graph that ``dance-now export`` writes next to the old one, on the whole canvas."""
    from dance_now.training.networks.points_generator import ExportedPointsGenerator
    from dance_now.training.onnx_export import generator_graph
    from dance_now.training.points_export import read_generator

    exported = ExportedPointsGenerator(read_generator(name)[1]).eval()
    session, points = one_thread_session(generator_graph(exported)), keypoints_of(pose)
    runs = [old_graph(name, revision, pose, whole=True), lambda: session.run(None, {"points": points[None]})]
    for run in runs:
        run()
    measured = [[milliseconds(run, DRAWN_PER_ROUND)[1] for run in runs] for _ in range(rounds)]
    old, new = np.median(measured, axis=0)
    record(f"{name}: exported graph over that of {revision}, processor", new / old, "ratio", "lower")
    print(f"{name}, whole canvas: graph of {revision} {old:.1f} ms, exported {new:.1f} ms ({new / old:.2f})")


def keypoints_of(pose: Pose) -> FloatArray:
    """(137, 4) float32 x, y, depth, confidence."""
    return np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]).astype(np.float32)


def one_thread_session(graph: bytes) -> Any:
    """Session of onnxruntime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def old_graph(name: str, revision: str, pose: Pose, *, whole: bool = False) -> Callable[[], object]:
    """Drawing by the graph of a file of version 1, of the part of the canvas that the figure touches.

    Surface and network of a character (``NAME:network``) have one such file.
    """

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], capture_output=True, check=True, cwd=ROOT).stdout

    files = git("ls-tree", "-r", "--name-only", revision).decode().splitlines()
    name = name.partition(":")[0]
    file = next(file for file in files if file.endswith(f"/{name}.dance"))
    with zipfile.ZipFile(io.BytesIO(git("show", f"{revision}:{file}"))) as members:
        program = members.read("generator.onnx")
    session, points = one_thread_session(program), keypoints_of(pose)
    card = Character.load(f"{name}{_NETWORK}").card
    assert card.bounds is not None
    part = canvas_region_around(*card.bounds.bounds(points[:, :3], card.skeleton.scale(points[:, :3])))
    part = WHOLE if whole else part
    points[:, :2] -= (part.left, part.top)
    canvas = np.zeros((part.height // BLOCK, part.width // BLOCK), np.float32)
    return lambda: session.run(None, {"points": points[None], "canvas": canvas})


if __name__ == "__main__":
    run_benchmark(main)
