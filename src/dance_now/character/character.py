"""A character: keypoints in, picture out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.file import CANVAS, SUFFIX, CharacterCard, CharacterFile, read_character_file
from dance_now.character.onnx_check import check_generator
from dance_now.errors import DanceNowError, MissingExtraError
from dance_now.pose.pose import Pose
from dance_now.pose.skeleton import RIGID_SEGMENTS, Skeleton

if TYPE_CHECKING:
    import onnxruntime

Device = Literal["auto", "cpu", "cuda"]

CAST_FOLDER = Path(__file__).parent / "cast"
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_LENGTH_TOLERANCE = 0.1
_WHITE = np.full(4, 255.0)  # a scalar as OpenCV takes it


def cast_names() -> list[str]:
    """Names of the characters that come with the package."""
    return sorted(path.stem for path in CAST_FOLDER.glob(f"*{SUFFIX}"))


class Character:
    """A trained character, ready to draw.

    Attributes:
        card: name, licence, credits, skeleton, provenance.
        preview: PNG file of one pose.

    Example:
        >>> character = Character.load("godette")
        >>> character.name
        'godette'
    """

    def __init__(self, content: CharacterFile, device: Device = "auto", threads: int = 0) -> None:
        self.card: CharacterCard = content.card
        self.preview = content.preview
        self._session = _open_session(content.generator, device, threads)

    @classmethod
    def load(cls, name_or_path: str | Path, device: Device = "auto", threads: int = 0) -> Character:
        """A character of the cast by its name, or any character file by its path.

        Args:
            name_or_path: as ``dance-now characters`` lists it, or a ``.dance`` file.
            device: what the network runs on.
            threads: of the processor, for the network; 0 takes one for each core.

        Raises:
            DanceNowError: unknown name, or a file that fails its checks.
            MissingExtraError: onnxruntime is not installed.
        """
        text = str(name_or_path)
        if text in cast_names():
            return cls(read_character_file(CAST_FOLDER / f"{text}{SUFFIX}"), device, threads)
        if not text.endswith(SUFFIX):
            known = ", ".join(cast_names()) or "none"
            raise DanceNowError(
                f"There is no character {text!r}. Known: {known}. Or give the path of a {SUFFIX} file."
            )
        return cls(read_character_file(Path(text)), device, threads)

    @property
    def name(self) -> str:
        """The word by which it is called."""
        return self.card.name

    @property
    def skeleton(self) -> Skeleton:
        """Its body."""
        return self.card.skeleton

    @property
    def provider(self) -> str:
        """What onnxruntime runs the generator on, as ``CPUExecutionProvider``."""
        return str(self._session.get_providers()[0])

    def draw(self, pose: Pose) -> npt.NDArray[np.uint8]:
        """Draws one pose.

        Args:
            pose: of the character's own body, with depth, in the pixels of its 512x512 canvas: a label of
                a data set, or what a retargeter returns, moved to the canvas.

        Returns:
            (512, 512, 4) uint8 RGBA, straight alpha.

        Raises:
            DanceNowError: the pose lacks points the character has, or is not of its proportions.
        """
        self._check(pose)
        return self.draw_unchecked(pose)

    def draw_unchecked(self, pose: Pose) -> npt.NDArray[np.uint8]:
        """``draw`` for a pose that is known to be the character's own."""
        keypoints = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
        try:
            (rgba,) = self._session.run(None, {"points": keypoints[None].astype(np.float32)})
        except Exception as error:  # onnxruntime's own exception types share no public base class
            raise DanceNowError(f"{self.name}'s generator failed ({type(error).__name__}).") from error
        if rgba.shape != (1, 4, CANVAS, CANVAS) or not np.isfinite(rgba.sum()):
            raise DanceNowError(f"{self.name}'s generator did not return a picture.")
        rows = cv2.multiply(rgba.reshape(4 * CANVAS, CANVAS), _WHITE, dtype=cv2.CV_8U)  # rounds and clips
        planes = np.asarray(rows, np.uint8).reshape(4, CANVAS, CANVAS)
        return np.asarray(cv2.merge(list(planes)), np.uint8)

    def _check(self, pose: Pose) -> None:
        skeleton = self.card.skeleton
        needed = np.flatnonzero(skeleton.known[:25]).tolist()
        if not (pose.visible[needed] & pose.has_depth[needed]).all():
            raise DanceNowError(
                f"This pose is not complete: {self.name} needs every body point with depth. "
                "Use Dancer.draw for the pose of a person."
            )
        pairs = np.asarray(RIGID_SEGMENTS)
        position = np.concatenate([pose.points[:, :2], pose.depth[:, None]], axis=1)
        lengths = np.linalg.norm(position[pairs[:, 0]] - position[pairs[:, 1]], axis=1)
        expected = skeleton.lengths()
        scale = lengths.sum() / expected.sum()
        if scale <= 0 or np.abs(lengths / np.maximum(expected * scale, 1e-6) - 1).max() > _LENGTH_TOLERANCE:
            raise DanceNowError(
                f"This pose does not have {self.name}'s proportions. "
                "Use Dancer.draw for the pose of a person."
            )


def _open_session(generator: bytes, device: Device, threads: int) -> onnxruntime.InferenceSession:
    check_generator(generator)
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
