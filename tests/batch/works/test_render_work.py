"""Rendering by the workers of a runner gives the bytes of rendering in one process."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest
from bvh_files import write_bvh

from dance_now.batch.runners.cluster import Cluster
from dance_now.batch.runners.in_process import InProcessRunner
from dance_now.batch.runners.process_pool import ProcessRunner
from dance_now.batch.runners.ray_pool import RayRunner
from dance_now.batch.runners.supervisor import TimeLimit
from dance_now.batch.works.render_work import render_with
from dance_now.synthesis import dataset as dataset_module
from dance_now.synthesis.dataset import render_dataset


@pytest.fixture
def render(tmp_path, humanoid_file, monkeypatch):
    """Renders 20 pictures, and gives their bytes."""
    monkeypatch.setattr(dataset_module, "POINT_BUDGET", 300)
    rows = [
        {"LeftArm": (0.0, 0.0, -80.0 + turn), "RightUpLeg": (-6.0 * turn, 0.0, 0.0)} for turn in range(14)
    ]
    (tmp_path / "motion.bvh").write_text(write_bvh(rows))
    counts = []

    def render(name, runner=None):
        draw = None if runner is None else partial(render_with, runner)
        render_dataset(
            humanoid_file("vrm1"),
            tmp_path / name,
            20,
            tmp_path / "motion.bvh",
            size=96,
            workers=1,
            render=draw,
            progress=lambda done, total: counts.append((done, total)),
        )
        assert counts[-1] == (20, 20)
        return {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }

    return render


def test_in_chunks(render):
    assert render("chunks", InProcessRunner()) == render("whole")


@pytest.mark.slow
def test_in_processes(render):
    assert render("processes", ProcessRunner(2, TimeLimit())) == render("whole")


@pytest.mark.slow
def test_on_ray(render, monkeypatch):
    pytest.importorskip("ray")
    helpers = str(Path(__file__).parents[2] / "helpers")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([helpers, *sys.path]))
    assert render("ray", RayRunner(Cluster(address="local"), 2, TimeLimit())) == render("whole")
