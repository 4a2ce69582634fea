"""Finer mattes where pymatting is installed, the same ones where it is not."""

import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dance_now.scene.matting import closed_form_matting as module
from dance_now.scene.matting.closed_form_matting import closed_form


def disc(radius: float) -> np.ndarray:
    y, x = np.indices((120, 100), np.float32)
    return np.clip(radius - np.hypot(x - 50, y - 60) + 0.5, 0, 1).astype(np.float32)


IMAGE = np.asarray(disc(30)[..., None] * (200, 60, 40) + (1 - disc(30)[..., None]) * (40, 80, 160), np.uint8)


def installed(monkeypatch: pytest.MonkeyPatch, solve: object) -> None:
    monkeypatch.setattr(module, "is_installed", lambda: True)
    monkeypatch.setitem(sys.modules, module.PACKAGE, SimpleNamespace(estimate_alpha_cf=solve, ichol=len))


def test_without_pymatting_the_matte_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_installed", lambda: False)
    matte = disc(29)
    assert closed_form(matte, matte, IMAGE) is matte


def test_the_outline_alone_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def solve(image: np.ndarray, trimap: np.ndarray, **options: object) -> np.ndarray:
        seen.append(trimap)
        assert 0 <= image.min() <= image.max() <= 1
        return trimap

    installed(monkeypatch, solve)
    result = closed_form(disc(30), disc(30), IMAGE)
    (trimap,) = seen
    assert set(np.unique(trimap)) == {0, 0.5, 1}
    assert (result[disc(25) == 1] == 1).all()
    assert (result[disc(36) == 0] == 0).all()
    assert (result[(disc(31) > 0) & (disc(29) < 1)] == 0.5).all()


def test_what_cannot_be_solved_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(image: np.ndarray, trimap: np.ndarray, **options: object) -> np.ndarray:
        raise ValueError("no foreground")

    installed(monkeypatch, solve)
    matte = disc(30)
    assert closed_form(matte, matte, IMAGE) is matte


def test_a_person_too_thin_to_be_sure_of_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(image: np.ndarray, trimap: np.ndarray, **options: object) -> np.ndarray:
        raise AssertionError

    installed(monkeypatch, never)
    matte = disc(2)
    assert closed_form(matte, matte, IMAGE) is matte
    assert not closed_form(np.zeros_like(matte), matte, IMAGE).any()


def test_it_is_nearer_to_the_truth() -> None:
    pytest.importorskip(module.PACKAGE)
    blurred = np.asarray(cv2.GaussianBlur(disc(29), (0, 0), 2), np.float32)
    solved = closed_form(blurred, blurred, IMAGE)
    assert np.abs(solved - disc(30)).mean() < 0.5 * np.abs(blurred - disc(30)).mean()
