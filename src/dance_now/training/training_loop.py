"""Training loop: one file, one loop, resumable to the step."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from dance_now.core.errors import DanceNowError
from dance_now.training import checkpoint
from dance_now.training.data.crops import Batches, prefetch
from dance_now.training.distributed import SINGLE_WORKER, Worker, to_device, training_device
from dance_now.training.losses.objective import RECONSTRUCTION, Objective
from dance_now.training.networks.pose_corrections import PIXELS_A_STEP, PoseCorrections
from dance_now.training.preview import PreviewSheet
from dance_now.training.run_logger import LossMeter, Progress, RunLogger
from dance_now.training.train_config import TrainingConfig

logger = logging.getLogger(__name__)

CHECKPOINT, EMA_FILE, PREVIEW = "checkpoint.pt", "ema.pt", "preview.png"  # in the folder of a run
# Out-of-memory messages of the CPU allocator on Linux and Windows, of GPUs, and of GPU libraries.
_ALLOCATORS_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
_WARM_UP_STEPS = 100
_FINAL_RATE = 0.02  # of the peak


class Trainable(Protocol):
    """Interface of a generator (a ``torch.nn.Module``) that can be trained."""

    def forward(self, inputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Renders a batch's inputs, mostly keypoints (B, 137, 4), to premultiplied RGBA (B, 4, *size)."""

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Parameter groups of Adam: "params", a "scale" of the learning rate, and "lr".

        The first holds the network's weights; the norm of their gradient is clipped to 1.
        """


G = TypeVar("G", bound=nn.Module)


class Trainer(Generic[G]):
    """Trainer of a generator, with checkpoints, EMA weights, log and preview.

    Attributes:
        generator: with the weights of the last step.
        step: steps done.
        device: where it trains.
    """

    def __init__(
        self,
        generator: G,
        batches: Batches,
        folder: Path,
        config: TrainingConfig,
        *,
        sheet: PreviewSheet | None = None,
        worker: Worker = SINGLE_WORKER,
        corrections: PoseCorrections | None = None,
    ) -> None:
        """Sets up a run, or resumes the checkpoint in the folder.

        Args:
            generator: a ``Trainable``, freshly built; overwritten by the checkpoint where there is one.
            batches: inputs and ground truth by step.
            folder: gets ``checkpoint.pt``, ``ema.pt`` (the EMA weights in half precision),
                ``log.jsonl`` and ``preview.png``.
            config: the run's configuration.
            sheet: the preview sheet; without, none is written.
            worker: which of several workers this is.
            corrections: of the inputs, learned with the generator; without, inputs are taken as they are.

        Raises:
            DanceNowError: the checkpoint is damaged, or of another run.
        """
        self.config, self.batches, self.folder, self.sheet, self.worker = (
            config,
            batches,
            folder,
            sheet,
            worker,
        )
        self.device = training_device()
        self.generator = to_device(generator, self.device)
        worker.broadcast(generator.parameters())
        groups = cast(Trainable, generator).parameter_groups(config.rate)
        self.corrections = None if corrections is None else corrections.to(self.device)
        if self.corrections is not None:
            scale = PIXELS_A_STEP / config.rate
            groups.append(
                {"params": list(self.corrections.parameters()), "scale": scale, "lr": PIXELS_A_STEP}
            )
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        self.objective = Objective(config.without_unused_discriminators(), self.device, worker)
        self.ema = {name: value.detach().clone() for name, value in generator.named_parameters()}
        self.meter = LossMeter()
        self.step, self.seconds = 0, 0.0
        if (folder / CHECKPOINT).exists():
            self._load(folder / CHECKPOINT)

    def run(self, report: Callable[[Progress], None]) -> None:
        """Trains to the last step, with a checkpoint every few minutes and at the end.

        Raises:
            DanceNowError: a loss or a weight is not finite, or memory or disk are full; the last
                checkpoint is unchanged.
        """
        config = self.config
        if self.step >= config.steps:
            return
        run_logger = RunLogger(self.folder, self.step) if self.worker.is_first else None
        save_due, preview_due = _Interval(config.checkpoint_minutes), _Interval(config.preview_minutes)
        begun, first, before = time.monotonic(), self.step, self.seconds
        self.generator.train()
        with _explain_out_of_memory(config), closing(prefetch(self.batches, self.step)) as stream:
            for inputs, true in stream:
                self._train_step(inputs, true)
                self.step += 1
                is_last = self.step == config.steps
                elapsed = time.monotonic() - begun
                self.seconds = before + elapsed
                if self.step % config.log_every == 0 or is_last:
                    self._check_finite()
                    losses = self.meter.means(self.worker)
                    pace = (self.step - first) / max(elapsed, 1e-6)
                    if run_logger is not None:
                        run_logger.write(self.step, losses, self._rate(), pace * config.batch, self.seconds)
                    remaining = (config.steps - self.step) / pace
                    loss = losses[RECONSTRUCTION]
                    report(Progress(self.step, config.steps, loss, pace * config.batch, remaining))
                if self.worker.is_first and (is_last or save_due()):
                    self._save()
                if self.worker.is_first and self.sheet is not None and (is_last or preview_due()):
                    self._preview(self.sheet)
                if is_last:
                    break

    def ema_generator(self) -> G:
        """The generator with EMA weights, for export and evaluation. Ends training."""
        self._set_weights(self.ema)
        return self.generator.eval()

    def _train_step(self, inputs: Tensor, true: Tensor) -> None:
        rate = self._rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        self.objective.discriminator_trainer.set_rate(rate)
        inputs = inputs.to(self.device, non_blocking=True)
        true = true.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        loss, losses = self.objective(self._corrected, inputs, true, self.step)
        if self.corrections is not None:
            loss = loss + self.corrections.penalty(self.step)
        self.meter.add(losses)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.worker.average_gradients(self.generator.parameters())
        if self.corrections is not None:
            self.worker.average_gradients(self.corrections.parameters())
        nn.utils.clip_grad_norm_(self.optimiser.param_groups[0]["params"], 1.0)
        self.optimiser.step()
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.generator.named_parameters():
                self.ema[name].lerp_(value, 1 - decay)

    def _corrected(self, inputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Renders this step's inputs, corrected; losses see them as they were."""
        if self.corrections is not None:
            inputs = self.corrections(inputs, self.step)
        return cast(Tensor, self.generator(inputs, size))

    def _rate(self) -> float:
        """Learning rate of this step: linear warm-up, then cosine decay."""
        warm_up = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.config.steps))
        return self.config.rate * warm_up * ((1 - _FINAL_RATE) * cosine + _FINAL_RATE)

    def _check_finite(self) -> None:
        """Raises DanceNowError if a loss or weight is not finite; NaN persists, so occasional checks suffice.

        The losses are this worker's own, from before the optimiser step; the weights show what came after.
        """
        weights = torch.stack([value.isfinite().all() for value in self.generator.parameters()])
        if not (self.meter.is_finite() and bool(weights.all())):
            raise DanceNowError(
                f"The training diverged before step {self.step}: a loss or a weight is not finite. "
                f"The checkpoint in {self.folder} is from before that; delete it to start again."
            )

    def _preview(self, sheet: PreviewSheet) -> None:
        """Writes the preview with EMA weights, then restores the current ones."""
        present = {name: value.detach().clone() for name, value in self.generator.named_parameters()}
        self._set_weights(self.ema)
        sheet.write(self.folder / PREVIEW, self.generator.eval())
        self._set_weights(present)
        self.generator.train()

    @torch.no_grad()
    def _set_weights(self, values: dict[str, Tensor]) -> None:
        for name, value in self.generator.named_parameters():
            value.copy_(values[name])

    def _save(self) -> None:
        self._check_finite()
        config = self.config.to_json()
        checkpoint.save(
            self.folder / CHECKPOINT,
            {
                "config": config,
                "step": self.step,
                "seconds": self.seconds,
                "generator": self.generator.state_dict(),
                "average": self.ema,
                "optimiser": self.optimiser.state_dict(),
                "corrections": {} if self.corrections is None else self.corrections.state_dict(),
                "adversary": self.objective.discriminator_trainer.state(),
                "meter": self.meter.state(),
            },
        )
        half = {name: value.half() for name, value in self.ema.items()}
        checkpoint.save(self.folder / EMA_FILE, {"config": config, "step": self.step, "average": half})
        logger.info("saved step %d", self.step)

    def _load(self, path: Path) -> None:
        state = checkpoint.load(path, self.device)
        if state["config"] != self.config.to_json():
            raise DanceNowError(f"{path} was begun with other options; use the same, or delete it.")
        try:
            self.generator.load_state_dict(state["generator"])
            if self.corrections is not None:
                self.corrections.load_state_dict(state["corrections"])
            self.optimiser.load_state_dict(state["optimiser"])
            if (
                self.objective.discriminator_trainer.discriminators
            ):  # earlier versions saved unused ones as well
                self.objective.discriminator_trainer.restore(state["adversary"])
            self.meter.restore(state["meter"], self.device)
            self.ema = state["average"]
            self.step, self.seconds = state["step"], state["seconds"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise DanceNowError(
                f"{path} was begun with another data set or version; delete it to start again."
            ) from error
        logger.info("continuing at step %d", self.step)


class _Interval:
    """Timer that is due once per interval."""

    def __init__(self, minutes: float) -> None:
        self._seconds, self._last = 60 * minutes, time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


@contextmanager
def _explain_out_of_memory(config: TrainingConfig) -> Iterator[None]:
    """Converts the various out-of-memory errors into one DanceNowError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        is_named = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not is_named and not any(words in str(error) for words in _ALLOCATORS_WORDS):
            raise
        raise DanceNowError(
            f"Out of memory for a batch of {config.batch} crops of {config.crop} pixels: close other "
            "programs or choose a smaller preset. The run resumes from its last checkpoint."
        ) from error
