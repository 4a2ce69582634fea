"""Loads characters by name or path, and draws them: keypoints in, picture out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dance_now.character.character_file import SUFFIX, CharacterCard, CharacterFile, read_character_file
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.spring_simulation import SpringSimulation, SpringTails
from dance_now.character.templates.template import FigurePicture, Template
from dance_now.core.argument_checks import check_choice, check_number, check_type
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.contacts.body_landmarks import BodySurface
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import LENGTH_TOLERANCE, Skeleton

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]

BUILTIN_FOLDER: Final = Path(__file__).parent / "builtin"
DEFAULT_SIZE: Final = (512, 512)
MAX_SIDE: Final = 1536
"""Pixels of the largest picture that ``Character.draw`` makes, each way."""

_ON_GPUS: Final = "sticks"  # the one template that runs on GPUs
_NETWORK: Final = ":network"  # after the name of a built-in character that has a network as well


def builtin_names() -> list[str]:
    """Names of the built-in characters."""
    return sorted(path.stem for path in BUILTIN_FOLDER.glob(f"*{SUFFIX}"))


def builtin_files() -> dict[str, Path]:
    """Every name that is built in, networks as ``NAME:network`` among them, and its file."""
    files = {name: BUILTIN_FOLDER / f"{name}{SUFFIX}" for name in builtin_names()}
    networks = sorted((BUILTIN_FOLDER / "networks").glob(f"*{SUFFIX}"))
    return files | {f"{path.stem}{_NETWORK}": path for path in networks}


class Character:
    """Character, ready to draw.

    Notebooks show its preview.

    Attributes:
        card: name, licence, credits, template, skeleton, provenance.
        preview: PNG file of one pose.

    Example:
        >>> character = Character.load("godette")
        >>> character
        Character('godette', version '2')
    """

    def __init__(self, content: CharacterFile, device: Device = "auto", threads: int = 0) -> None:
        check_type("content", content, CharacterFile, "a CharacterFile")
        check_choice("device", device, get_args(Device))
        check_type("threads", threads, int, "an int")
        check_number("threads", threads, 0)
        self.card: CharacterCard = content.card
        self.preview = content.preview
        self._template = _open_template(content.card, content.arrays, device, threads)

    @classmethod
    def load(cls, name_or_path: str | Path, device: Device = "auto", threads: int = 0) -> Character:
        """Loads a built-in character by its name, or any character file by its path.

        Args:
            name_or_path: as ``dance-now characters`` lists it, or a ``.dance`` file.
            device: hardware that a network of the ``sticks`` template runs on; all else runs on the CPU.
            threads: CPU threads for one image; 0 takes one for each core.

        Raises:
            DanceNowError: unknown name, or a file that fails its checks.
            MissingExtraError: the template needs a package that is not installed.
            TypeError: an argument of a wrong type.
        """
        check_type("name_or_path", name_or_path, (str, Path), "a name or a path")
        check_choice("device", device, get_args(Device))
        text = str(name_or_path)
        files = builtin_files()
        if text in files:
            return cls(read_character_file(files[text]), device, threads)
        if not text.endswith(SUFFIX):
            known = ", ".join(builtin_names()) or "none"
            raise DanceNowError(
                f"There is no character {text!r}. Known: {known}. Or give the path of a {SUFFIX} file."
            )
        return cls(read_character_file(Path(text)), device, threads)

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
    def body_surface(self) -> BodySurface | None:
        """Surface of the character at rest, which retargeting touches; None for networks."""
        return self._template.body_surface()

    def draw(self, pose: Pose, size: tuple[int, int] = DEFAULT_SIZE) -> Image:
        """Draws one pose.

        Args:
            pose: of the character's own body, with depth, in the pixels of the picture: a label of a data
                set, or what a retargeter returns.
            size: width and height of the picture; networks are drawn in a square and scaled.

        Returns:
            (height, width, 4) uint8 RGBA, straight alpha.

        Raises:
            DanceNowError: the pose lacks points the character has, is not of its proportions, or the size is
                out of range.
        """
        check_type("pose", pose, Pose, "a Pose")
        check_type("size", size, (tuple, list), "width and height")
        width, height = size
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise DanceNowError(f"size must be from 1x1 to {MAX_SIDE}x{MAX_SIDE}, not {width}x{height}.")
        self._check(pose)
        return self.draw_unchecked(pose, size)

    def draw_unchecked(self, pose: Pose, size: tuple[int, int] = DEFAULT_SIZE) -> Image:
        """Draws a pose that is known to be the character's own, without the checks of ``draw``."""
        return self._template.draw(_keypoints(pose), (int(size[0]), int(size[1])))

    def draw_figure(
        self,
        pose: Pose,
        scale: float,
        picture: tuple[int, int],
        *,
        detail: bool = False,
        up: npt.ArrayLike | None = None,
        tails: SpringTails | None = None,
    ) -> tuple[FigurePicture, ...]:
        """Draws what a picture shows of a figure, as finely as it shows it.

        Args:
            pose: known to be of the character's own body, in pixels of the picture.
            scale: pixels of the picture per metre of the character.
            picture: width and height.
            detail: take more time for the head where that gains anything.
            up: (3,) where the sky is (x right, y up, z towards the viewer), for hair and skirts that hang;
                without it the camera is level.
            tails: what ``spring_simulation`` returned for this pose; without, hair and skirts hang still.

        Returns:
            The figure, and perhaps its head in a square of its own; nothing where the picture shows nothing.
        """
        return self._template.draw_figure(_keypoints(pose), scale, picture, detail, up, tails)

    def spring_simulation(self) -> SpringSimulation | None:
        """A new simulation of hair and skirt for one figure; None for a character of which nothing swings."""
        return self._template.spring_simulation()

    def _check(self, pose: Pose) -> None:
        skeleton = self.card.skeleton
        needed = np.flatnonzero(skeleton.known[:25]).tolist()
        if not (pose.visible[needed] & pose.has_depth[needed]).all():
            raise DanceNowError(
                f"The pose is not complete: {self.name} needs every body point with depth. "
                "Use Dancer.draw for the pose of a person."
            )
        if skeleton.misfit(_keypoints(pose)[:, :3]) > LENGTH_TOLERANCE:
            raise DanceNowError(
                f"The pose does not have {self.name}'s proportions. Use Dancer.draw for the pose of a person."
            )


def _keypoints(pose: Pose) -> FloatArray:
    """(137, 4) float32 x, y, depth and confidence."""
    points = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
    return points.astype(np.float32)


def _open_template(
    card: CharacterCard, arrays: Mapping[str, AnyArray], device: Device, threads: int
) -> Template:
    """What draws a card's template; its module is loaded when it is needed."""
    if device == "cuda" and card.template != _ON_GPUS:
        logger.warning("%s is drawn on the CPU: only networks of the sticks template use a GPU", card.name)
    module = import_module(f"dance_now.character.templates.{card.template}_template")
    try:
        opened: Template = module.open_template(card, arrays, device=device, threads=threads)
    except (ValueError, TypeError, KeyError) as error:
        raise DanceNowError(f"The character {card.name} is damaged: {error}.") from error
    return opened
