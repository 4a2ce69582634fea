"""Subset of a data set by links, for benchmarks with short loading and evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from dance_now.training.data.dataset_reader import Split, ignore_folder

_LABEL: Final = "_keypoints.json"


def link_subset(dataset: Path, output: Path, count: dict[Split, int]) -> Path:
    """Links at most ``count`` images of each split, evenly spread, into a new data set.

    Args:
        dataset: made by ``dance-now render``.
        output: the folder to create; existing files are kept.
        count: images by split.
    """
    for split, most in count.items():
        names = sorted(path.stem for path in (dataset / f"{split}_img").glob("*.png"))
        places = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))
        for kind, suffix in (("img", ".png"), ("label", _LABEL)):
            folder = output / f"{split}_{kind}"
            folder.mkdir(parents=True, exist_ok=True)
            for place in places:
                link(dataset / folder.name / f"{names[place]}{suffix}", folder)
        for place in places:
            mask = dataset / ignore_folder(split) / f"{names[place]}.png"
            if mask.exists():
                folder = output / ignore_folder(split)
                folder.mkdir(exist_ok=True)
                link(mask, folder)
    for name in ("dataset.json", "points.npz"):
        link(dataset / name, output)
    return output


def link(path: Path, folder: Path) -> None:
    """Links a file into another folder."""
    if not (folder / path.name).exists():
        (folder / path.name).symlink_to(path.resolve())
