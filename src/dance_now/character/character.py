"""Character: a trained generator from keypoints to an RGBA image."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.canvas_region import WHOLE, CanvasRegion, canvas_region_around
from dance_now.character.character_file import (
    CANVAS,
    SUFFIX,
    CharacterCard,
    CharacterFile,
    read_character_file,
)
from dance_now.character.onnx_session import Device, GeneratorSession
from dance_now.core.argument_checks import check_choice, check_flag, check_number, check_type
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import LENGTH_TOLERANCE, Skeleton

BUILTIN_FOLDER = Path(__file__).parent / "builtin"
_WHITE = np.full(4, 255.0)  # a scalar as OpenCV takes it


def builtin_names() -> list[str]:
    """Names of the built-in characters."""
    return sorted(path.stem for path in BUILTIN_FOLDER.glob(f"*{SUFFIX}"))


class Character:
    """Trained character, ready to draw.

    Notebooks show its preview.

    Attributes:
        card: name, licence, credits, skeleton, provenance.
        preview: PNG file of one pose.

    Example:
        >>> character = Character.load("godette")
        >>> character
        Character('godette', version '1')
    """

    def __init__(
        self, content: CharacterFile, device: Device = "auto", threads: int = 0, optimize: bool = True
    ) -> None:
        check_type("content", content, CharacterFile, "a CharacterFile")
        check_choice("device", device, get_args(Device))
        check_type("threads", threads, int, "an int")
        check_number("threads", threads, 0)
        check_flag("optimize", optimize)
        self.card: CharacterCard = content.card
        self.preview = content.preview
        self._session = GeneratorSession(content.generator, device, threads, optimize)

    @classmethod
    def load(
        cls, name_or_path: str | Path, device: Device = "auto", threads: int = 0, optimize: bool = True
    ) -> Character:
        """Loads a built-in character by its name, or any character file by its path.

        Args:
            name_or_path: as ``dance-now characters`` lists it, or a ``.dance`` file.
            device: hardware the network runs on.
            threads: CPU threads for the network; 0 takes one for each core.
            optimize: optimise the network on loading; without it the first images are ready sooner.

        Raises:
            DanceNowError: unknown name, or a file that fails its checks.
            MissingExtraError: onnxruntime is not installed.
            TypeError: an argument of a wrong type.
        """
        check_type("name_or_path", name_or_path, (str, Path), "a name or a path")
        check_choice("device", device, get_args(Device))
        text = str(name_or_path)
        if text in builtin_names():
            return cls(read_character_file(BUILTIN_FOLDER / f"{text}{SUFFIX}"), device, threads, optimize)
        if not text.endswith(SUFFIX):
            known = ", ".join(builtin_names()) or "none"
            raise DanceNowError(
                f"There is no character {text!r}. Known: {known}. Or give the path of a {SUFFIX} file."
            )
        return cls(read_character_file(Path(text)), device, threads, optimize)

    def __repr__(self) -> str:
        return f"Character({self.name!r}, version {self.card.version!r})"

    def _repr_png_(self) -> bytes:
        """The preview, for notebooks."""
        return self.preview

    @property
    def name(self) -> str:
        """Name of the character."""
        return self.card.name

    @property
    def skeleton(self) -> Skeleton:
        """Skeleton of the character."""
        return self.card.skeleton

    @property
    def provider(self) -> str:
        """Execution provider of onnxruntime, as ``CPUExecutionProvider``."""
        return self._session.provider

    def draw(self, pose: Pose) -> npt.NDArray[np.uint8]:
        """Renders one pose.

        Args:
            pose: of the character's own skeleton, with depth, in the pixels of its 512x512 canvas: a label of
                a data set, or the result of a retargeter, transformed to the canvas.

        Returns:
            (512, 512, 4) uint8 RGBA, straight alpha.

        Raises:
            DanceNowError: the pose lacks points the character has, or is not of its proportions.
            TypeError: it is no ``Pose``.
        """
        check_type("pose", pose, Pose, "a Pose")
        self._check(pose)
        return self.draw_unchecked(pose)

    def draw_unchecked(self, pose: Pose) -> npt.NDArray[np.uint8]:
        """Renders a pose that is known to be the character's own, without the checks of ``draw``."""
        keypoints = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
        region = self._drawn_region(keypoints)
        rgba = self._session(keypoints, region)
        rows = cv2.multiply(rgba.reshape(-1, region.width), _WHITE, dtype=cv2.CV_8U)  # rounds and clips
        drawn = cv2.merge(list(np.asarray(rows, np.uint8).reshape(rgba.shape)))
        if region == WHOLE:
            return np.asarray(drawn, np.uint8)
        canvas = np.zeros((CANVAS, CANVAS, 4), np.uint8)
        canvas[region.top : region.top + region.height, region.left : region.left + region.width] = drawn
        return canvas

    def _drawn_region(self, keypoints: FloatArray) -> CanvasRegion:
        if self.card.extent is None or not self._session.draws_parts:
            return WHOLE
        points = keypoints[:, :3]
        return canvas_region_around(*self.card.extent.bounds(points, self.skeleton.scale(points)))

    def _check(self, pose: Pose) -> None:
        skeleton = self.card.skeleton
        needed = np.flatnonzero(skeleton.known[:25]).tolist()
        if not (pose.visible[needed] & pose.has_depth[needed]).all():
            raise DanceNowError(
                f"The pose is not complete: {self.name} needs every body point with depth. "
                "Use Dancer.draw for the pose of a person."
            )
        position = np.concatenate([pose.points[:, :2], pose.depth[:, None]], axis=1)
        if skeleton.misfit(position) > LENGTH_TOLERANCE:
            raise DanceNowError(
                f"The pose does not have {self.name}'s proportions. Use Dancer.draw for the pose of a person."
            )
