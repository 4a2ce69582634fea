"""Training: it learns, it goes on where it stopped, and it ends clearly."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
from dots import Dots, dots

from dance_now.core.errors import DanceNowError
from dance_now.training.checkpoint import load_ema
from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.losses.image_losses import reconstruction_loss
from dance_now.training.networks.pose_corrections import PoseCorrections
from dance_now.training.preview import PreviewSheet
from dance_now.training.run_logger import Progress
from dance_now.training.train_config import LossWeights, TrainingConfig
from dance_now.training.training_loop import CHECKPOINT, EMA_FILE, PREVIEW, Trainer

Make = Callable[..., Trainer[Dots]]
resource = pytest.importorskip("resource", reason="limits the size of files")


class InterruptionError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="session")
def samples(pictures: LabelledPictures) -> SampleCache:
    """The training split, decoded."""
    return SampleCache(pictures, torch.device("cpu"))


@pytest.fixture(scope="session")
def short(debug: TrainingConfig) -> TrainingConfig:
    """Six steps, the last two with the discriminator, saved after each."""
    return replace(debug, steps=6, crop=64, checkpoint_minutes=0.0)


@pytest.fixture
def make(samples: SampleCache, tmp_path: Path) -> Make:
    """Builds a trainer whose run is kept in the test's folder."""

    def build(
        config: TrainingConfig, folder: Path = tmp_path, generator: Dots | None = None
    ) -> Trainer[Dots]:
        folder.mkdir(exist_ok=True)
        return Trainer(generator or dots(), CropBatches(samples, config), folder, config)

    return build


def ignore(progress: Progress) -> None:
    """No report."""


def interrupt_at(step: int) -> Callable[[Progress], None]:
    """A report that ends the run after a step, before it is saved."""

    def report(progress: Progress) -> None:
        if progress.step == step:
            raise InterruptionError

    return report


def logged(folder: Path) -> dict[int, dict[str, float]]:
    """Losses by step."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps))
    return {line["step"]: line["losses"] for line in lines}


def state_of(trainer: Trainer[Dots]) -> dict[str, torch.Tensor]:
    """All that a run has learned."""
    parts = {
        "generator": trainer.generator.state_dict(),
        "judges": trainer.objective.discriminator_trainer.discriminators.state_dict(),
        "average": trainer.ema,
    }
    return {
        f"{part}.{name}": value.clone() for part, values in parts.items() for name, value in values.items()
    }


def assert_same_losses(one: dict[int, dict[str, float]], other: dict[int, dict[str, float]]) -> None:
    """Within 1e-5, step by step, name by name."""
    assert one.keys() == other.keys()
    for step, losses in one.items():
        assert losses == pytest.approx(other[step], abs=1e-5), step


def test_an_interrupted_run_ends_as_one_that_was_not(
    make: Make, short: TrainingConfig, tmp_path: Path
) -> None:
    whole = make(short, tmp_path / "whole")
    whole.run(ignore)
    with pytest.raises(InterruptionError):
        make(short).run(interrupt_at(4))  # after step 3 was saved, before step 4 is
    again = make(short)
    assert again.step == 3
    again.run(ignore)
    assert again.step == 6
    assert_same_losses(logged(tmp_path), logged(tmp_path / "whole"))
    expected = state_of(whole)
    for name, value in state_of(again).items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-5, msg=name)


def test_corrected_labels_go_on_where_they_stopped(
    samples: SampleCache, short: TrainingConfig, tmp_path: Path
) -> None:
    def build(folder: Path) -> Trainer[Dots]:
        folder.mkdir(exist_ok=True)
        batches = CropBatches(samples, short)
        corrections = PoseCorrections(len(samples), batches.pictures)
        return Trainer(dots(), batches, folder, short, corrections=corrections)

    whole = build(tmp_path / "whole")
    whole.run(ignore)
    with pytest.raises(InterruptionError):
        build(tmp_path / "half").run(interrupt_at(4))
    again = build(tmp_path / "half")
    again.run(ignore)
    assert whole.corrections is not None
    assert again.corrections is not None
    found, expected = again.corrections.shift.detach(), whole.corrections.shift.detach()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    seen = torch.cat([whole.batches.pictures(step) for step in range(short.steps)])  # type: ignore[attr-defined]
    assert expected[seen.unique()].abs().amax(dim=(1, 2)).min() > 1e-3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    make: Make, debug: TrainingConfig, tmp_path: Path
) -> None:
    config = replace(debug, steps=26, batch=1, crop=48, adversarial_from=0.3, checkpoint_minutes=0.001)
    make(config, tmp_path / "whole").run(ignore)
    folder = tmp_path / "killed"
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=lambda: make(config, folder).run(lambda progress: time.sleep(0.02)))
    process.start()
    log = folder / "log.jsonl"
    while process.is_alive() and not (log.exists() and log.read_text().count("\n") >= 5):
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    again = make(config, folder)
    assert 0 < again.step < 26
    again.run(ignore)
    assert_same_losses(logged(folder), logged(tmp_path / "whole"))


def test_means_go_on_in_the_middle(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    """A line of the log is the mean of several steps, whenever the process that did them was saved."""
    config = replace(short, log_every=3)
    make(config, tmp_path / "whole").run(ignore)
    batches = 0

    def counted(trainer: Trainer[Dots]) -> None:
        plain = trainer.batches

        def fail_at(step: int) -> tuple[torch.Tensor, torch.Tensor]:
            nonlocal batches
            batches += 1
            if step == 5:
                raise InterruptionError
            return plain(step)

        trainer.batches = fail_at

    stopped = make(config)
    counted(stopped)
    with pytest.raises(InterruptionError):
        stopped.run(ignore)
    again = make(config)
    assert again.step in (4, 5)
    again.run(ignore)
    assert_same_losses(logged(tmp_path), logged(tmp_path / "whole"))


def test_a_finished_run_is_left_alone(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    make(short).run(ignore)
    saved = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert {CHECKPOINT, EMA_FILE, "log.jsonl"} == set(saved)
    make(short).run(lambda progress: pytest.fail("trained on"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == saved


def test_reports_tell_how_far_it_is(make: Make, short: TrainingConfig) -> None:
    told: list[Progress] = []
    make(replace(short, log_every=4)).run(told.append)
    assert [progress.step for progress in told] == [4, 6]
    assert all(progress.steps == 6 and progress.rate > 0 and progress.loss > 0 for progress in told)
    assert told[0].remaining > told[1].remaining == 0


def test_the_log_names_the_losses(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    make(short).run(ignore)
    losses = logged(tmp_path)
    assert list(losses) == [1, 2, 3, 4, 5, 6]
    assert set(losses[1]) == {"reconstruction"}
    joined = {"reconstruction", "picture_adversarial", "picture_matching", "picture_discriminator"}
    assert set(losses[6]) == joined


@pytest.mark.parametrize("change", [{"rate": 0.1}, {"seed": 1}, {"steps": 7}, {"batch": 1}])
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
    path = tmp_path / CHECKPOINT
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


def test_a_checkpoint_of_another_generator_is_refused(make: Make, short: TrainingConfig) -> None:
    make(replace(short, steps=1)).run(ignore)
    other = dots()
    other.paint = torch.nn.Conv2d(8, 4, 3, 1, 1)
    with pytest.raises(DanceNowError, match="another data set"):
        make(replace(short, steps=1), generator=other)


def test_fifty_steps_lower_the_loss(make: Make, debug: TrainingConfig) -> None:
    config = replace(debug, steps=50, crop=64, rate=0.04, adversarial_from=1.0)
    trainer = make(config)
    keypoints, true = trainer.batches(10**6)

    @torch.no_grad()
    def loss(generator: Dots) -> float:
        return float(reconstruction_loss(generator(keypoints, (64, 64)), true))

    before = loss(trainer.generator)
    trainer.run(ignore)
    assert loss(trainer.ema_generator()) < 0.8 * before


def test_the_average_lies_between_start_and_end(make: Make, short: TrainingConfig) -> None:
    trainer = make(short)
    start = trainer.generator.mix.bias.detach().clone()  # type: ignore[union-attr]
    trainer.run(ignore)
    end = trainer.generator.mix.bias.detach().clone()  # type: ignore[union-attr]
    averaged = trainer.ema_generator()
    assert not averaged.training
    low, high = torch.minimum(start, end) - 0.01, torch.maximum(start, end) + 0.01
    found = averaged.mix.bias
    assert found is not None
    assert ((found >= low) & (found <= high)).all()
    assert not torch.equal(found, end)


def test_averaged_weights_are_saved_as_the_run_goes(
    make: Make, short: TrainingConfig, tmp_path: Path
) -> None:
    with pytest.raises(InterruptionError):
        make(short).run(interrupt_at(4))
    found = dots(seed=1)
    load_ema(tmp_path / EMA_FILE, found)
    expected = make(short).ema_generator()
    for name, value in found.named_parameters():
        torch.testing.assert_close(value, expected.get_parameter(name), atol=1e-3, rtol=1e-3)
    assert (tmp_path / EMA_FILE).stat().st_size < (tmp_path / CHECKPOINT).stat().st_size / 4
    with pytest.raises(DanceNowError, match="another network"):
        load_ema(tmp_path / EMA_FILE, torch.nn.Linear(2, 2))


def test_the_preview_shows_true_beside_drawn(
    samples: SampleCache, pictures: LabelledPictures, short: TrainingConfig, tmp_path: Path
) -> None:
    sheet = PreviewSheet.of(pictures, torch.device("cpu"))
    trainer = Trainer(dots(), CropBatches(samples, short), tmp_path, short, sheet=sheet)
    trainer.run(ignore)
    drawn = cv2.imread(str(tmp_path / PREVIEW))
    assert drawn is not None
    assert drawn.shape == (2 * 512, 3 * 2 * 512, 3)


def test_a_preview_leaves_the_run_as_it_is(
    samples: SampleCache, pictures: LabelledPictures, make: Make, short: TrainingConfig, tmp_path: Path
) -> None:
    make(short, tmp_path / "plain").run(ignore)
    config = replace(short, preview_minutes=0.0)
    folder = tmp_path / "shown"
    folder.mkdir()
    keypoints = torch.from_numpy(pictures.keypoints[:1])
    sheet = PreviewSheet(keypoints, torch.zeros(1, 4, 64, 64))
    Trainer(dots(), CropBatches(samples, config), folder, config, sheet=sheet).run(ignore)
    assert_same_losses(logged(folder), logged(tmp_path / "plain"))


class Failing(Dots):
    """Draws as it should until it is told to fail."""

    failure: Exception | float | None = None

    def forward(self, inputs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        if isinstance(self.failure, Exception):
            raise self.failure
        drawn = super().forward(inputs, size)
        return drawn if self.failure is None else drawn * self.failure


def no_memory() -> RuntimeError:
    """What the CPU's allocator raises."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    return caught.value


FAILURES: dict[str, tuple[Callable[[], Exception | float], str]] = {
    "no number": (lambda: float("nan"), "diverged"),
    "GPU memory": (lambda: torch.OutOfMemoryError("CUDA out of memory"), "Out of memory"),
    "its libraries": (lambda: RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), "Out of memory"),
    "memory": (no_memory, "Out of memory"),
    "Python's memory": (MemoryError, "Out of memory"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_failing_step_ends_clearly(
    make: Make, short: TrainingConfig, tmp_path: Path,
    failure: tuple[Callable[[], Exception | float], str],
) -> None:  # fmt: skip
    raised, message = failure
    torch.manual_seed(0)
    generator = Failing()
    trainer = make(short, generator=generator)

    def fail_after(progress: Progress) -> None:
        if progress.step == 4:
            generator.failure = raised()

    with pytest.raises(DanceNowError, match=message) as caught:
        trainer.run(fail_after)
    assert "\n" not in str(caught.value)
    again = make(short)
    assert again.step == 4
    assert all(value.isfinite().all() for value in state_of(again).values())


@pytest.mark.parametrize("kind", [RuntimeError, NotImplementedError])
def test_other_failures_are_not_hidden(make: Make, short: TrainingConfig, kind: type[Exception]) -> None:
    generator = Failing()
    generator.failure = kind("a mistake")
    with pytest.raises(kind, match="a mistake"):
        make(short, generator=generator).run(ignore)


def test_weights_that_are_no_numbers_are_not_saved(make: Make, short: TrainingConfig) -> None:
    """The loss of the step that spoils them is still one."""
    generator = dots()

    def spoil_after(progress: Progress) -> None:
        if progress.step == 4:
            generator.mix.bias.register_hook(lambda gradient: gradient * torch.nan)  # type: ignore[union-attr]

    with pytest.raises(DanceNowError, match="diverged before step 5"):
        make(short, generator=generator).run(spoil_after)
    again = make(short)
    assert again.step == 4
    assert all(value.isfinite().all() for value in state_of(again).values())


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_checkpoint(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    with pytest.raises(InterruptionError):
        make(short).run(interrupt_at(4))
    kept = (tmp_path / CHECKPOINT).read_bytes()
    again = make(short)
    with small_files(len(kept) // 2), pytest.raises(DanceNowError, match="could not be written"):
        again.run(ignore)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept
    assert not list(tmp_path.glob(".*"))
    make(short).run(ignore)


def test_losses_of_the_literature_take_part(make: Make, short: TrainingConfig, tmp_path: Path) -> None:
    losses = LossWeights(face=1.0, face_detail=1.0, temporal=1.0)
    make(replace(short, adversarial_from=0.0, losses=losses)).run(ignore)
    names = set(logged(tmp_path)[6])
    assert {"face_adversarial", "face_matching", "face_discriminator", "face_detail", "temporal"} <= names


@pytest.mark.parametrize(
    ("losses", "discriminators"),
    [
        (LossWeights(picture=0.0), set()),
        (LossWeights(picture=0.0, face=1.0), {"face"}),
        (LossWeights(face=0.5), {"picture", "face"}),
    ],
)
def test_what_weighs_nothing_is_not_judged(
    make: Make, short: TrainingConfig, tmp_path: Path, losses: LossWeights, discriminators: set[str]
) -> None:
    config = replace(short, adversarial_from=0.0, losses=losses)
    make(config).run(ignore)
    terms = {
        f"{name}_{loss}" for name in discriminators for loss in ("adversarial", "matching", "discriminator")
    }
    assert set(logged(tmp_path)[6]) == {"reconstruction"} | terms
    assert make(config).step == 6  # it can be opened again


def test_a_run_that_was_saved_with_idle_discriminators_goes_on(
    make: Make, short: TrainingConfig, tmp_path: Path
) -> None:
    """Earlier versions built and saved them."""
    never = replace(short, adversarial_from=1.0)
    trainer = make(never)
    assert not trainer.objective.discriminator_trainer.discriminators
    trainer.run(ignore)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    state["adversary"] = make(short, tmp_path / "judged").objective.discriminator_trainer.state()
    torch.save(state, tmp_path / CHECKPOINT)
    assert make(never).step == 6
