"""The temporal lifter learns from clips, and its file holds what was learned."""

import numpy as np
import pytest
import torch

from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.networks.lifter import LiftingNetwork
from dance_now.pose.networks.lifter_input import LIFTED
from dance_now.pose.networks.temporal_lifter import TemporalLiftingNetwork
from dance_now.training.lifter.clip_samples import synthetic_samples, varied
from dance_now.training.lifter.lifter_data import split_motions
from dance_now.training.lifter.motion_clips import CLIP_FRAMES, sample_clip
from dance_now.training.lifter.temporal_network import TemporalNetwork
from dance_now.training.lifter.temporal_training import (
    TemporalConfig,
    compute,
    make_batch,
    train_temporal_lifter,
    write_temporal_lifter,
)

PRIOR = LiftingNetwork.load()


@pytest.fixture(scope="module")
def bank():
    generator, rig = np.random.default_rng(0), BoneRig.of(adult_skeleton())
    clips = [sample_clip(rig, 0.9, split_motions()[1][:5], generator) for _ in range(6)]
    return np.stack([(clip.points + clip.hips[:, None])[:, list(LIFTED)] for clip in clips])


def test_samples_are_clips_with_unit_directions(bank) -> None:
    generator = np.random.default_rng(1)
    samples = varied(synthetic_samples(bank, generator, 5), generator)
    assert samples.readings.shape == (5, CLIP_FRAMES, 29, 5)
    np.testing.assert_allclose(np.linalg.norm(samples.directions, axis=-1), 1, atol=1e-4)
    assert np.isfinite(samples.readings).all()
    assert (samples.height > 0).all()


def test_training_learns_and_the_file_is_the_network(bank, tmp_path) -> None:
    angles = []
    config = TemporalConfig(steps=200, rendered=4, synthetic=4)
    rendered = synthetic_samples(bank, np.random.default_rng(2), 6)
    network = train_temporal_lifter(config, rendered, bank, lambda step, angle: angles.append(angle))
    assert angles[1] < angles[0]
    write_temporal_lifter(network, config, tmp_path / "lifter.npz")
    with np.load(tmp_path / "lifter.npz", allow_pickle=False) as arrays:
        found = TemporalLiftingNetwork(PRIOR, dict(arrays))
    hidden = found.encode(rendered.readings[:, 0]).hidden[:, 0]
    batch = make_batch(rendered, PRIOR, np.random.default_rng(3), 2)
    with torch.no_grad():
        wanted = network.encode(batch.features)[0][:, 0].numpy()
    np.testing.assert_allclose(hidden, wanted, atol=2e-2)


def test_it_starts_as_a_blend_of_what_is_drawn(bank) -> None:
    batch = make_batch(
        synthetic_samples(bank, np.random.default_rng(4), 3), PRIOR, np.random.default_rng(5), 4
    )
    output = compute(TemporalNetwork().eval(), batch)
    assert not output.residual.any()
