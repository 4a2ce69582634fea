"""A generator's network at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from dance_now.character.canvas_region import BLOCK, CanvasRegion
from dance_now.character.onnx_check import CheckedGenerator
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError, MissingExtraError

if TYPE_CHECKING:
    import onnxruntime

Device = Literal["auto", "cpu", "cuda"]

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class GeneratorSession:
    """Draws parts of canvases.

    Args:
        generator: an ONNX file, from whomever.
        device: what it runs on.
        threads: of the processor; 0 takes one for each core.
        optimize: optimise the graph; without it, it loads in half the time and each picture takes half as
            long again, which is faster for one or two pictures.

    Raises:
        DanceNowError: it is no generator, or does not run on this device.
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(self, generator: bytes, device: Device, threads: int, optimize: bool = True) -> None:
        self._checked = CheckedGenerator(generator)
        self._session = _open(generator, device, threads, optimize)

    @property
    def provider(self) -> str:
        """What onnxruntime runs it on, as ``CPUExecutionProvider``."""
        return str(self._session.get_providers()[0])

    @property
    def draws_parts(self) -> bool:
        """Whether it can draw less than the whole canvas."""
        return self._checked.takes_canvas

    def __call__(self, keypoints: FloatArray, part: CanvasRegion) -> FloatArray:
        """Draws one pose.

        Args:
            keypoints: (137, 4) x, y, depth and confidence, canvas px.
            part: of the canvas; all of it unless ``draws_parts``.

        Returns:
            (4, part.height, part.width) float32 straight RGBA.

        Raises:
            DanceNowError: the network fails, or returns something else.
        """
        points = keypoints[None].astype(np.float32)
        feeds = {"points": points}
        if self.draws_parts:
            blocks = (part.height // BLOCK, part.width // BLOCK)
            self._checked.admit(blocks)
            points[..., :2] -= (part.left, part.top)
            feeds["canvas"] = np.zeros(blocks, np.float32)
        try:
            (rgba,) = self._session.run(None, feeds)
        except Exception as error:  # onnxruntime's own exception types share no public base class
            raise DanceNowError(f"The generator failed ({type(error).__name__}).") from error
        if rgba.shape != (1, 4, part.height, part.width) or not np.isfinite(rgba.sum()):
            raise DanceNowError("The generator did not return a picture.")
        return np.asarray(rgba[0], np.float32)


def _open(generator: bytes, device: Device, threads: int, optimize: bool) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "cpu") from error
    available = onnxruntime.get_available_providers()
    if device == "auto":
        providers = [_PROVIDERS[kind] for kind in ("cuda", "cpu") if _PROVIDERS[kind] in available]
    elif _PROVIDERS[device] in available:
        providers = [_PROVIDERS[device]]
    else:
        raise DanceNowError(f"onnxruntime has no {device} here; it offers {', '.join(available)}.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    options.intra_op_num_threads = threads
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Threads that wait busily win a little time and take the processor from everything beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(generator, options, providers=providers)
    except Exception as error:  # onnxruntime's own exception types share no public base class
        raise DanceNowError(
            f"The character's generator cannot be loaded ({type(error).__name__})."
        ) from error
    if device != "auto" and _PROVIDERS[device] not in session.get_providers():
        # onnxruntime quietly takes the processor where a GPU's libraries do not load.
        raise DanceNowError(f"onnxruntime cannot use {device} here: look at its driver and libraries.")
    return session
