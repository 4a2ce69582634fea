"""Whole avatars, as the studio draws them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from surface_cases import decibels, studio_picture
from surface_subjects import Subject

from dance_now.character.templates.surface import SurfaceDrawing
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.renderer import Renderer

_SIZE = 320


def _assert_drawn_as_in_the_studio(sitter: Subject, poses: int = 2) -> None:
    drawing = SurfaceDrawing(sitter.skeleton, sitter.arrays)
    for pose in sitter.poses(poses, _SIZE):
        picture = drawing.draw(pose.keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
        assert decibels(studio_picture(sitter.arrays, drawing.vertices, _SIZE), picture) > 50
        shared = drawing.draw(pose.keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE, threads=2)
        np.testing.assert_array_equal(shared, picture)
        part = drawing.draw(pose.keypoints, (77, 50, 131, 150), screen_height=_SIZE)
        np.testing.assert_array_equal(part, picture[50:200, 77:208])


@pytest.mark.parametrize("kind", ["glb", "vrm0", "vrm1"])
def test_small_avatars(small_avatar: Callable[[str], Avatar], kind: str) -> None:
    sitter = Subject(small_avatar(kind))
    _assert_drawn_as_in_the_studio(sitter)
    drawing, pose = SurfaceDrawing(sitter.skeleton, sitter.arrays), sitter.poses(1, _SIZE)[0]
    picture = drawing.draw(pose.keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
    reference = Renderer(sitter.avatar, _SIZE).render(pose.world, pose.camera, pose.expressions)
    assert decibels(reference, picture) > 30  # squares: an edge that moves by a sample is most of the picture


def test_the_mascot() -> None:
    _assert_drawn_as_in_the_studio(Subject(load_avatar(avatar_file(Path(MASCOT)))))


@pytest.mark.parametrize("file", ["godette.vrm", "uka_flat.vrm", "gene.vrm", "kaykit_knight.glb"])
def test_avatars_of_the_data_folder(data_dir: Path, file: str) -> None:
    _assert_drawn_as_in_the_studio(Subject(load_avatar(data_dir / "characters" / file)))
