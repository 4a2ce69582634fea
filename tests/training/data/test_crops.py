"""What a step sees: windows on the figure, decided by seed and step alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.core.errors import DanceNowError
from dance_now.training.data.crops import CropBatches, prefetch, premultiplied
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.pose_noise import PoseNoise
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import Worker
from dance_now.training.train_config import TrainingConfig


@pytest.fixture(scope="session")
def samples(pictures: LabelledPictures) -> SampleCache:
    """The training split, decoded."""
    return SampleCache(pictures, torch.device("cpu"))


@settings(max_examples=15, deadline=None)
@given(step=st.integers(0, 10**6), seed=st.integers(0, 100), side=st.sampled_from([64, 128, 512]))
def test_windows_depend_on_seed_and_step_alone(
    pictures: LabelledPictures, samples: SampleCache, debug: TrainingConfig, step: int, seed: int, side: int
) -> None:
    config = replace(debug, crop=side, seed=seed)
    first = CropBatches(samples, config)(step)
    compressed = SampleCache(pictures, torch.device("cpu"), memory_limit=0)
    again = CropBatches(compressed, config)
    again(step + 1)
    for a, b in zip(first, again(step), strict=True):
        assert torch.equal(a, b)
    assert first[1].shape == (2, 4, side, side)
    assert 0 <= first[1].min() <= first[1].max() <= 1


def test_other_steps_and_seeds_give_other_windows(samples: SampleCache, debug: TrainingConfig) -> None:
    here, other = CropBatches(samples, debug), CropBatches(samples, replace(debug, seed=1))
    assert not torch.equal(here(0)[0], here(1)[0])
    assert not torch.equal(here(0)[0], other(0)[0])
    assert not torch.equal(here(0)[0][0], here(0)[0][1])


@settings(max_examples=30, deadline=None)
@given(step=st.integers(0, 10**6), side=st.sampled_from([64, 128, 256]))
def test_keypoints_move_with_their_window(
    pictures: LabelledPictures, samples: SampleCache, debug: TrainingConfig, step: int, side: int
) -> None:
    """The window is a piece of the picture, and the shift of the labels says which."""
    batches = CropBatches(samples, replace(debug, batch=1, crop=side))
    keypoints, windows = (part.numpy() for part in batches(step))
    index = next(
        number
        for number in range(len(pictures))
        if (pictures.keypoints[number, :, 2:] == keypoints[0, :, 2:]).all()
    )
    assert batches.pictures(step).tolist() == [index]
    shift = pictures.keypoints[index, :, :2] - keypoints[0, :, :2]
    x, y = np.round(shift[0]).astype(int)
    np.testing.assert_allclose(shift, np.broadcast_to([x, y], shift.shape), atol=1e-3)
    assert 0 <= x <= 512 - side
    assert 0 <= y <= 512 - side
    piece = torch.from_numpy(pictures.picture(index)[None, y : y + side, x : x + side].copy())
    np.testing.assert_allclose(windows, premultiplied(piece).numpy(), atol=1e-6)
    body = keypoints[0, :25, :2]
    assert ((body > -side / 2) & (body < 1.5 * side)).all(axis=1).any()  # a window lies on the figure


def test_workers_share_a_batch(samples: SampleCache, debug: TrainingConfig) -> None:
    config = replace(debug, batch=6)
    whole = CropBatches(samples, config)(5)
    shares = [CropBatches(samples, config, Worker(rank, 3))(5) for rank in range(3)]
    for part in (0, 1):
        together = torch.cat([worker[part] for worker in shares])
        assert torch.equal(together, whole[part][[0, 3, 1, 4, 2, 5]])
    with pytest.raises(DanceNowError, match="cannot be divided"):
        CropBatches(samples, config, Worker(0, 4))(0)


def test_a_stream_goes_on_where_it_is_told(samples: SampleCache, debug: TrainingConfig) -> None:
    batches = CropBatches(samples, debug)
    whole = list(islice(prefetch(batches, 0), 5))
    rest = list(islice(prefetch(batches, 2), 3))
    for (a, b), (c, d) in zip(whole[2:], rest, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


def test_pose_noise_moves_keypoints_and_leaves_pictures(samples: SampleCache, debug: TrainingConfig) -> None:
    plain = CropBatches(samples, debug)(3)
    noisy = CropBatches(samples, replace(debug, pose_noise=PoseNoise(degrees=5)))(3)
    assert torch.equal(plain[1], noisy[1])
    assert not torch.equal(plain[0], noisy[0])


def test_premultiplied_color_vanishes_with_alpha() -> None:
    picture = torch.tensor(
        [[[[255, 128, 0, 255], [255, 255, 255, 0], [200, 100, 50, 128]]]], dtype=torch.uint8
    )
    found = premultiplied(picture)[0].numpy()
    assert found.shape == (4, 1, 3)
    np.testing.assert_allclose(found[:, 0, 0], [1, 128 / 255, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(found[:, 0, 1], 0)
    np.testing.assert_allclose(found[:, 0, 2], np.array([200, 100, 50, 255]) / 255 * 128 / 255, atol=1e-6)


def test_pictures_smaller_than_their_windows_are_refused(samples: SampleCache, debug: TrainingConfig) -> None:
    with pytest.raises(DanceNowError, match="512x512 pixels are smaller than the crops of 640"):
        CropBatches(samples, replace(debug, crop=640))


def test_pictures_are_drawn_as_often_as_their_balance_says(
    samples: SampleCache, debug: TrainingConfig
) -> None:
    balance = np.array([0.0, 0.5, 0.0, 0.25, 0.25, 0.0], np.float32)
    batches = CropBatches(samples, debug, balance=balance)
    chosen = [batches._crop(step, 0).picture for step in range(200)]
    assert set(chosen) == {1, 3, 4}
    assert 70 < chosen.count(1) < 130
