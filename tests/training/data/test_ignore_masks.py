"""Ignore masks: parts of pictures that are neither trained on nor scored."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import SINGLE_WORKER
from dance_now.training.losses.objective import Objective
from dance_now.training.metrics.image_metrics import ImageComparison
from dance_now.training.train_config import PRESETS, LossWeights

CPU = torch.device("cpu")
WHERE = np.s_[200:260, 230:290]


@pytest.fixture
def masked(pairs: Path, tmp_path: Path) -> Path:
    """The data set with an ignore mask for one picture of each split."""
    folder = tmp_path / "masked"
    shutil.copytree(pairs, folder)
    mask = np.zeros((512, 512), np.uint8)
    mask[WHERE] = 255
    for split, name in (("train", "p2"), ("test", "p7")):
        (folder / f"{split}_ignore").mkdir()
        cv2.imwrite(str(folder / f"{split}_ignore" / f"{name}.png"), mask)
    return folder


def test_masks_belong_to_their_pictures(masked: Path) -> None:
    pictures = LabelledPictures(masked, "train")
    ignored = pictures.ignored(pictures.names.index("p2"))
    assert ignored is not None
    assert ignored[WHERE].all()
    assert ignored.sum() == 60 * 60
    assert pictures.ignored(pictures.names.index("p1")) is None


def test_a_damaged_mask_costs_its_picture_alone(masked: Path) -> None:
    (masked / "train_ignore" / "p2.png").write_bytes(b"no picture")
    pictures = LabelledPictures(masked, "train")
    assert "p2" not in pictures.names
    assert pictures.skipped == {"an unusable ignore mask": ["p2"]}


@pytest.mark.parametrize("memory", [None, 200_000])
def test_crops_carry_the_mask(masked: Path, memory: int | None) -> None:
    cache = SampleCache(LabelledPictures(masked, "train"), CPU, memory_limit=memory)
    assert cache.channels == 5
    ignored = cache.crop(2, 100, 100, 256)[..., 4].numpy() > 0
    assert ignored[100:160, 130:190].all()
    assert ignored.sum() == 60 * 60
    assert not cache.crop(1, 100, 100, 256)[..., 4].any()


def test_data_sets_without_masks_stay_as_they_were(pictures: LabelledPictures) -> None:
    cache = SampleCache(pictures, CPU)
    assert CropBatches(cache, PRESETS["debug"])(0)[1].shape[1] == 4


def test_ignored_pixels_have_no_gradient() -> None:
    losses = LossWeights(adversarial=0.0, matching=0.0, picture=0.0, structure=1.0)
    objective = Objective(replace(PRESETS["debug"], losses=losses, adversarial_from=1.0), CPU, SINGLE_WORKER)
    drawn = torch.rand(1, 4, 64, 64, generator=torch.manual_seed(0)).requires_grad_()
    true = torch.rand(1, 5, 64, 64)
    true[:, 4] = 0
    true[:, 4, 20:40, 10:30] = 1
    objective(lambda inputs, size: drawn, torch.zeros(1, 137, 4), true, 0)[0].backward()
    assert drawn.grad is not None
    assert not drawn.grad[..., 20:40, 10:30].any()
    assert drawn.grad[..., :20, :].abs().min() > 0


def test_ignored_pixels_are_not_scored() -> None:
    true = np.zeros((256, 256, 4), np.uint8)
    true[60:200, 80:160] = (200, 100, 50, 255)
    ignored = np.zeros((256, 256), np.bool_)
    ignored[100:140, 100:140] = True
    true[ignored] = 0
    drawn = true.copy()
    drawn[60:80, 80:160] = (0, 0, 0, 255)
    whole, part = ImageComparison.of(drawn, true), ImageComparison.of(drawn, true, ignored)
    assert not part.region[ignored].any()
    assert part.score().psnr < whole.score().psnr  # what is equal and does not count cannot lift the score
    assert part.score().iou == whole.score().iou
