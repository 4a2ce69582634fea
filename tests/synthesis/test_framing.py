"""Views of posed figures: how many show what, and what they never do."""

import numpy as np
import pytest

from dance_now.synthesis.framing import CAMERA_PITCHES, CLOSER_SHARE, PORTRAIT_SHARE, Subject, random_camera

HEIGHT, HEAD_SIZE = 1.6, 0.25
LOOKS = np.array([[0, 0, 1.0], [1, 0, 0.2], [0.2, -0.8, -0.5]])


def sitter(facing: np.ndarray) -> Subject:
    mesh = np.random.default_rng(1).uniform((-0.7, 0, -0.3), (0.7, HEIGHT, 0.3), (500, 3))
    head, hips = np.array([0, 1.5, 0]), np.array([0, 0.9, 0])
    unit = facing / np.linalg.norm(facing)
    parts = [part.astype(np.float32) for part in (mesh, head, unit, hips)]
    return Subject(parts[0], parts[1], parts[2], parts[3], HEIGHT, HEAD_SIZE)


@pytest.mark.parametrize("facing", LOOKS, ids=["ahead", "aside", "back and down"])
def test_figures_are_whole_or_the_head_is_in_the_picture(facing: np.ndarray) -> None:
    generator, model = np.random.default_rng(0), sitter(facing)
    whole, heads, faced = 0, [], []
    for _ in range(600):
        camera = random_camera(generator, model)
        x, y = camera.project(model.head[None], 512)[0, :2]
        assert 0 < x < 512
        assert 0 < y < 512
        pitch = np.degrees(np.arcsin(camera.rotation[2, 1]))
        assert CAMERA_PITCHES[0] - 0.1 < pitch < CAMERA_PITCHES[1] + 0.1
        if camera.height > HEIGHT:
            whole += 1
            projected = camera.project(model.mesh, 512)[:, :2]
            assert projected.min() >= 0
            assert projected.max() <= 512
        head = HEAD_SIZE / camera.height * 512
        if head > 150:
            heads.append(head)
            seen = camera.rotation @ model.facing
            faced.append(abs(np.degrees(np.arctan2(seen[0], seen[2]))) < 61)
    assert whole / 600 == pytest.approx(1 - PORTRAIT_SHARE - CLOSER_SHARE, abs=0.06)
    assert max(heads) < 420
    assert len(heads) / 600 > PORTRAIT_SHARE - 0.05
    assert np.mean(faced) > 0.65


def test_most_figures_are_seen_from_the_front() -> None:
    generator, model = np.random.default_rng(0), sitter(LOOKS[0])
    fronts = [random_camera(generator, model).rotation @ [0, 0, 1] for _ in range(400)]
    yaws = np.degrees([np.arctan2(front[0], front[2]) for front in fronts])
    assert 0.55 < np.mean(np.abs(yaws) < 61) < 0.75
