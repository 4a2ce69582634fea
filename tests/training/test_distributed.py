"""Several workers learn what one learns from the same batches."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dots import dots

from dance_now.character.character import Character
from dance_now.training import checkpoint
from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import SINGLE_WORKER, join_workers
from dance_now.training.train_config import LossWeights, TrainingConfig
from dance_now.training.training_loop import CHECKPOINT, Trainer

CPU = torch.device("cpu")


def train_a_share(pictures: Path, folder: Path, config: TrainingConfig, seed: int = 0) -> None:
    """Trains as one of several workers; run in each of them."""
    torch.set_num_threads(1)
    with join_workers() as worker:
        samples = SampleCache(LabelledPictures(pictures, "train"), CPU)
        generator = dots(seed + worker.rank)  # they agree on that of the first
        Trainer(generator, CropBatches(samples, config, worker), folder, config, worker=worker).run(
            lambda _: None
        )


@pytest.fixture
def config(debug: TrainingConfig) -> TrainingConfig:
    """Four steps with every loss that needs no download."""
    losses = LossWeights(face=1.0, face_detail=0.2, structure=1.5, temporal=0.5)
    return replace(debug, steps=4, batch=4, crop=64, adversarial_from=0.25, losses=losses)


def assert_same_run(one: Path, other: Path) -> None:
    """The checkpoints are equal but for rounding."""
    first, second = (checkpoint.load(path / CHECKPOINT, CPU) for path in (one, other))
    assert first["step"] == second["step"]
    for part in ("generator", "average"):
        for name, value in first[part].items():
            torch.testing.assert_close(value, second[part][name], atol=2e-4, rtol=1e-3, msg=f"{part} {name}")
    for name, value in first["adversary"]["judges"].items():
        torch.testing.assert_close(value, second["adversary"]["judges"][name], atol=5e-4, rtol=1e-2, msg=name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its workers")
def test_two_workers_learn_what_one_does(pairs: Path, tmp_path: Path, config: TrainingConfig) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    train_a_share(pairs, alone, config)
    fork = multiprocessing.get_context("fork")

    def work(rank: int) -> None:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(20000 + os.getppid() % 20000)}
        train_a_share(pairs, together, config)

    processes = [fork.Process(target=work, args=(rank,)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert_same_run(alone, together)
    assert len((together / "log.jsonl").read_text().splitlines()) == 4  # the first alone writes


@pytest.mark.slow
def test_torchrun_trains_as_one_process_does(dataset: Path, tmp_path: Path) -> None:
    """The whole command, started twice by torchrun: the same weights, and one character."""
    alone, together = tmp_path / "alone.dance", tmp_path / "together.dance"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    told = []
    for start, output in (([], alone), (launcher, together)):
        command = [sys.executable, *start, "-m", "dance_now", "train", str(dataset), "-o", str(output)]
        paths = str(Path(__file__).parents[2] / "src")
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, "--preset", "debug"], env=environment, check=True, capture_output=True, text=True
        )
        told.append(done.stdout)
    assert_same_run(alone.with_suffix(".run"), together.with_suffix(".run"))
    scores = [Character.load(output).card.provenance["test"]["psnr_db"] for output in (alone, together)]
    assert scores[1] == pytest.approx(scores[0], abs=0.05)
    assert told[1].count("PSNR") == 1  # the first alone reports


def test_alone_is_the_whole() -> None:
    with join_workers() as worker:
        assert worker == SINGLE_WORKER
        assert worker.shard([1, 2, 3]) == [1, 2, 3]
        done: list[Callable[[], None]] = []
        worker.run_first(lambda: done.append(lambda: None))
        assert len(done) == 1
