"""Training: it learns, it goes on where it stopped, and it keeps apart runs that differ."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dance_now.errors import DanceNowError
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.points import MeshPoints
from dance_now.training.config import TrainingConfig
from dance_now.training.data import LabelledPictures
from dance_now.training.generator import PointsGenerator
from dance_now.training.loop import Progress, Trainer
from dance_now.training.losses import reconstruction_loss

Make = Callable[..., Trainer]


class InterruptionError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="session")
def short(debug: TrainingConfig) -> TrainingConfig:
    """Six steps, the last two with the discriminator, saved after each."""
    return replace(debug, steps=6, window=64, checkpoint_minutes=0.0)


@pytest.fixture
def make(skeleton: Skeleton, mesh: MeshPoints, pictures: LabelledPictures, tmp_path: Path) -> Make:
    """Builds a trainer whose run is kept in a file of the test's folder."""

    def build(config: TrainingConfig, name: str = "checkpoint.pt") -> Trainer:
        torch.manual_seed(config.seed)
        points = mesh.subset(config.generator.points)
        generator = PointsGenerator(skeleton, points, config.generator)
        return Trainer(generator, pictures, tmp_path / name, config)

    return build


def ignore(progress: Progress) -> None:
    """No report."""


def state_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """All that a run has learned."""
    parts = {"generator": trainer.generator.state_dict(), "judge": trainer.discriminator.state_dict()}
    parts["average"] = trainer.average
    return {
        f"{part}.{name}": value.clone() for part, values in parts.items() for name, value in values.items()
    }


def test_an_interrupted_run_ends_as_one_that_was_not(make: Make, short: TrainingConfig) -> None:
    whole = make(short, "whole.pt")
    whole.run(ignore)

    def kill(progress: Progress) -> None:
        if progress.step == 4:  # after step 3 was saved, before step 4 is
            raise InterruptionError

    with pytest.raises(InterruptionError):
        make(short).run(kill, report_every=1)
    again = make(short)
    assert again.step == 3
    again.run(ignore)
    assert again.step == 6
    assert again.loss == pytest.approx(whole.loss, rel=1e-5)
    expected = state_of(whole)
    for name, value in state_of(again).items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-5, msg=name)


def test_a_finished_run_is_left_alone(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    make(short).run(ignore)
    saved = (tmp_path / "checkpoint.pt").read_bytes()
    again = make(short)
    again.run(lambda progress: pytest.fail("trained on"))
    assert (tmp_path / "checkpoint.pt").read_bytes() == saved
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_reports_tell_how_far_it_is(make: Make, short: TrainingConfig) -> None:
    told: list[Progress] = []
    make(short).run(told.append, report_every=4)
    assert [progress.step for progress in told] == [4, 6]
    assert all(progress.steps == 6 and progress.rate > 0 and progress.loss > 0 for progress in told)


@pytest.mark.parametrize("change", [{"rate": 1e-3}, {"seed": 1}, {"steps": 7}, {"batch": 1}])
def test_a_run_of_other_options_is_not_continued(
    make: Make, short: TrainingConfig, change: dict[str, float]
) -> None:
    make(replace(short, steps=1)).run(ignore)
    with pytest.raises(DanceNowError, match="other options"):
        make(replace(short, **{"steps": 1, **change}))  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "pickle"])
def test_a_damaged_checkpoint_is_refused(
    make: Make, short: TrainingConfig, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    make(replace(short, steps=1)).run(ignore)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:10_000])
    elif damage == "other":
        torch.save({"step": 3}, path)
    else:
        torch.save({"config": Path("x")}, path)  # not a plain object: loading it could run code
    with pytest.raises(DanceNowError, match="damaged"):
        make(replace(short, steps=1))


def test_a_checkpoint_of_another_figure_is_refused(
    make: Make, short: TrainingConfig, pictures: LabelledPictures, skeleton: Skeleton, mesh: MeshPoints,
    tmp_path: Path,
) -> None:  # fmt: skip
    config = replace(short, steps=1)
    make(config).run(ignore)
    fewer = PointsGenerator(skeleton, mesh.subset(900), config.generator)
    with pytest.raises(DanceNowError, match="another data set"):
        Trainer(fewer, pictures, tmp_path / "checkpoint.pt", config)


def test_forty_steps_lower_the_loss(make: Make, debug: TrainingConfig, pictures: LabelledPictures) -> None:
    config = replace(debug, steps=40, window=64, rate=0.02, adversarial_from=1.0)
    keypoints, true = pictures.windows(10**6, 4, 128, 0)
    trainer = make(config)

    @torch.no_grad()
    def loss(generator: PointsGenerator) -> float:
        return float(reconstruction_loss(generator(keypoints, (128, 128)), true))

    before = loss(trainer.generator.eval())
    trainer.run(ignore)
    assert loss(trainer.averaged_generator()) < 0.9 * before


def test_the_average_lies_between_start_and_end(make: Make, short: TrainingConfig) -> None:
    trainer = make(short)
    start = trainer.generator.lit.detach().clone()
    trainer.run(ignore)
    end = trainer.generator.lit.detach().clone()
    averaged = trainer.averaged_generator()
    assert not averaged.training
    low, high = torch.minimum(start, end) - 0.01, torch.maximum(start, end) + 0.01
    assert ((averaged.lit >= low) & (averaged.lit <= high)).all()
    assert not torch.equal(averaged.lit, end)
