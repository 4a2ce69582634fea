"""Points generator against the stick-figure baseline (pix2pixHD): same data, losses and wall-clock time.

Both train in the same trainer with all losses of "Everybody Dance Now": multi-scale patch discriminators,
feature matching, a perceptual distance. The number of steps is calibrated with a few of each; loading, head
crops, export and evaluation are not timed. The baseline is as wide as a character file can hold, a quarter of
pix2pixHD's channels; the last line has the cost of the full width. The table is printed, and kept as
FOLDER/baseline.json.

python benchmarks/baseline.py DATASET -o FOLDER [--seconds 600] [--preset quick]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dance_now.character.character import Character
from dance_now.character.character_file import CANVAS
from dance_now.character.templates.stick_channels import BODY_CHANNELS
from dance_now.core.arrays import FloatArray
from dance_now.training.character_card import Rights
from dance_now.training.data.dataset_reader import LabelledPictures, Split
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.metrics.temporal_jitter import pose_from_label
from dance_now.training.networks.points_generator import ExportedPointsGenerator
from dance_now.training.points_stages import untrained_generator
from dance_now.training.sticks.head_crops import typical_head_size
from dance_now.training.sticks.pix2pixhd import GlobalGenerator
from dance_now.training.sticks.sticks_config import STICKS, SticksConfig
from dance_now.training.sticks.sticks_generator import (
    BodyGenerator,
    HeadGenerator,
    SticksGenerator,
)
from dance_now.training.train_character import train
from dance_now.training.train_config import PRESETS, TrainingConfig
from dataset_subset import link_subset

PROBE_STEPS: Final = 6
DRAWN: Final = 10
COUNT: Final[dict[Split, int]] = {"train": 600, "test": 60}  # the sticks' heads are drawn for each of them
RIGHTS = Rights("for measuring only", "nobody")
ROWS: Final[dict[str, Callable[[Evaluation], float | None]]] = {
    "score, dB": lambda result: result.overall.psnr,
    "silhouette IoU": lambda result: result.overall.iou,
    "SSIM": lambda result: result.overall.ssim,
    "perceptual distance": lambda result: result.overall.perceptual,
    "alpha error": lambda result: result.overall.alpha_error,
    "head score, dB": lambda result: result.overall.head_psnr,
    "face detail": lambda result: result.overall.face_detail,
    "jitter of a still pose, px": lambda result: result.jitter,
}
Row = list[float | None]


def template_of(sticks: SticksConfig | None) -> Literal["points", "sticks"]:
    """Template of a training with these sizes of sticks."""
    return "points" if sticks is None else "sticks"


def seconds_a_step(dataset: Path, folder: Path, config: TrainingConfig, sticks: SticksConfig | None) -> float:
    """Median time of a training step, seconds."""
    probe = replace(config, steps=PROBE_STEPS, log_every=1)
    times: list[float] = []

    def note(stage: str, done: int, total: int, remark: str) -> None:
        if stage in ("train", "body"):
            times.append(time.monotonic())

    template = template_of(sticks)
    output = folder / f"probe-{template}.dance"
    train(dataset, output, probe, rights=RIGHTS, template=template, sticks=sticks, stage="body", report=note)
    return float(np.median(np.diff(times)))


def trained(
    dataset: Path, folder: Path, config: TrainingConfig, seconds: float, sticks: SticksConfig | None
) -> tuple[Evaluation, Path]:
    """Trains a character for a time budget, or resumes it; returns its evaluation and file."""
    template = template_of(sticks)
    output = folder / f"{template}.dance"
    begun = folder / f"{output.stem}.steps"
    if not begun.exists():
        # The sticks' head network trains as many steps, on squares so small that they hardly count.
        steps = max(PROBE_STEPS, round(seconds / seconds_a_step(dataset, folder, config, sticks)))
        begun.write_text(str(steps))
    config = replace(config, steps=int(begun.read_text()))
    result = train(
        dataset,
        output,
        config,
        rights=RIGHTS,
        template=template,
        sticks=sticks,
        report=lambda *told: None,
    )
    assert result is not None  # all stages were run
    return result, output


def log_of(output: Path) -> dict[str, float]:
    """Steps and seconds of a character's run, from its log."""
    run = output.with_suffix(".run")
    log = run / "body" / "log.jsonl" if (run / "body").exists() else run / "log.jsonl"
    last = json.loads(log.read_text().splitlines()[-1])
    return {"steps": last["step"], "seconds": last["seconds"]}


def multiplications(network: torch.nn.Module, *inputs: torch.Tensor) -> float:
    """GMAC per image, of convolutions and matrix products."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(*inputs)
    return float(counter.get_total_flops()) / 2e9


def original_size() -> str:
    """Cost of pix2pixHD at full width, counted without running it."""
    with torch.device("meta"):
        network = GlobalGenerator(len(BODY_CHANNELS) + 1, 3)
        work = multiplications(network, torch.rand(1, len(BODY_CHANNELS) + 1, CANVAS, CANVAS))
    parameters = sum(each.numel() for each in network.parameters())
    return f"The original's body network at full width: {work:.0f} GMAC, {parameters / 1e6:.1f} M parameters."


def milliseconds(character: Character, labels: FloatArray) -> float:
    """Least rendering time per image, ms."""
    times = []
    for label in labels:
        begun = time.perf_counter()
        character.draw(pose_from_label(label))
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


def measured(
    dataset: Path, config: TrainingConfig, sticks: SticksConfig, found: list[tuple[Evaluation, Path]]
) -> dict[str, Row]:
    """Rows of the table: points, sticks."""
    labels = LabelledPictures(dataset, "test").keypoints
    side = sticks.head_size or typical_head_size(LabelledPictures(dataset, "train").keypoints)
    networks = (
        ExportedPointsGenerator(untrained_generator(dataset, config)),
        SticksGenerator(BodyGenerator(sticks), HeadGenerator(sticks), side),
    )
    rows: dict[str, Row] = {name: [value(result) for result, _ in found] for name, value in ROWS.items()}
    label = torch.from_numpy(labels[:1])
    rows["GMAC"] = [multiplications(network, label) for network in networks]
    rows["MB a file"] = [output.stat().st_size / 1e6 for _, output in found]
    rows["ms a picture"] = [milliseconds(Character.load(output), labels[:DRAWN]) for _, output in found]
    for name in ("steps", "seconds"):
        rows[f"{name} of training"] = [log_of(output)[name] for _, output in found]
    return rows


def main() -> None:
    """Command line: trains both and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--preset", choices=tuple(PRESETS), default="quick")
    arguments = parser.parse_args()
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    preset, sticks = PRESETS[arguments.preset], STICKS[arguments.preset]
    config = replace(preset, adversarial_from=0.0, losses=replace(preset.losses, perceptual=0.2))
    dataset = link_subset(arguments.dataset, folder / "dataset", COUNT)
    found = [trained(dataset, folder, config, arguments.seconds, kind) for kind in (None, sticks)]
    rows = measured(dataset, config, sticks, found)
    (folder / "baseline.json").write_text(json.dumps(rows, indent=1))
    print("| | points | sticks |\n|---|---:|---:|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join("" if cell is None else f"{cell:.4g}" for cell in row) + " |")
    print(f"\n{original_size()}")


if __name__ == "__main__":
    main()
