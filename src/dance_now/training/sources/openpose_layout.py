"""Reader of image folders with OpenPose labels: train_img/NAME.png, train_label/NAME_keypoints.json, test_*.

Unusable pairs are counted by reason, never deleted or repaired in place.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import check_picture
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.pose import Pose
from dance_now.training.data.dataset_reader import Split
from dance_now.training.sources.body_proportions import seen_points
from dance_now.training.sources.pose_fitting import TRUNK_POINTS

logger = logging.getLogger(__name__)

HELD_OUT: Final = 10  # without test images, one in so many training images is held out: the last ones
FEWEST: Final = 8
_PICTURES: Final = (".png", ".jpg", ".jpeg")
_FORMATS: Final = ("PNG", "JPEG")
_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})  # of 8 bits
# What Pillow raises over damaged pictures; the budget's refusal is one of ours.
_DAMAGE: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, DanceNowError),
    *(UnidentifiedImageError, PillowImage.DecompressionBombError),
)
_LABEL: Final = "_keypoints.json"
_LARGEST_SIDE: Final = 16384
_FEWEST_INSIDE: Final = 4  # points of the body: a close-up of a head shows more


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """Image of the data set with its label.

    Attributes:
        name: without folder and extension.
        split: train or test.
        path: of the image.
        size: (width, height) of the file.
        pose: the person in the square canvas.
    """

    name: str
    split: Split
    path: Path
    size: tuple[int, int]
    pose: Pose

    def picture(self) -> Image | None:
        """Decodes the image onto the canvas, centred: (512, 512, 3 or 4) uint8; None if it is damaged.

        The padding repeats the border, or is clear if there is an alpha channel.
        """
        try:
            with PillowImage.open(self.path, formats=_FORMATS) as opened:
                check_picture(self.path, *opened.size, self.path.stat().st_size)
                if opened.mode not in _MODES:
                    return None
                mode = "RGBA" if opened.has_transparency_data else "RGB"
                image = np.asarray(opened.convert(mode), np.uint8)
        except _DAMAGE:
            return None
        return _on_canvas(image)


@dataclass
class LayoutContents:
    """Usable and skipped pairs of a folder.

    Attributes:
        pictures: usable pairs, by split and name.
        skipped: number of skipped files by reason.
    """

    pictures: list[LabelledImage] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def of(self, split: Split) -> list[LabelledImage]:
        """Usable pairs of a split."""
        return [each for each in self.pictures if each.split == split]


def is_openpose_layout(folder: Path) -> bool:
    """Whether a folder has the OpenPose layout."""
    return (folder / "train_img").is_dir() and (folder / "train_label").is_dir()


def read_openpose_layout(
    folder: Path, report: Callable[[int, int], None] = lambda done, total: None
) -> LayoutContents:
    """Pairs images and labels of a folder.

    Args:
        folder: holds train_img and train_label, and optionally test_img and test_label; without test images
            the last tenth of the training images is held out.
        report: called with files done and files in all.

    Raises:
        DanceNowError: too few usable pairs.
    """
    findings = LayoutContents()
    for split in ("train", "test"):
        _read_split(folder, split, findings, report)
    found = len(findings.pictures)
    reasons = "; ".join(f"{count} {reason}" for reason, count in findings.skipped.most_common())
    if found < FEWEST:
        raise DanceNowError(
            f"{folder} has {found} usable pairs of an image and a label with a person; at least {FEWEST} "
            f"are needed{f' ({reasons})' if reasons else ''}."
        )
    if reasons:
        logger.warning("%s: %d pairs are used; skipped: %s", folder, found, reasons)
    if not findings.of("test") or not findings.of("train"):
        findings.pictures = _held_out(findings.pictures)
    return findings


def _read_split(
    folder: Path, split: Split, findings: LayoutContents, report: Callable[[int, int], None]
) -> None:
    pictures = {
        path.stem: path
        for path in sorted((folder / f"{split}_img").glob("*"))
        if path.suffix.lower() in _PICTURES
    }
    label_folder = folder / f"{split}_label"
    labels = {path.name.removesuffix(_LABEL): path for path in sorted(label_folder.glob(f"*{_LABEL}"))}
    pairs = sorted(pictures.keys() & labels.keys())
    findings.skipped["pictures without a label"] += len(pictures.keys() - labels.keys())
    findings.skipped["labels without a picture"] += len(labels.keys() - pictures.keys())
    for number, name in enumerate(pairs):
        report(number + 1, len(pairs))
        made = _pair(name, split, pictures[name], labels[name])
        if isinstance(made, str):
            findings.skipped[made] += 1
        else:
            findings.pictures.append(made)
    findings.skipped = +findings.skipped


def _pair(name: str, split: Split, picture: Path, label: Path) -> LabelledImage | str:
    """Reads a pair; returns the reason if it is unusable."""
    try:
        with PillowImage.open(picture, formats=_FORMATS) as opened:
            size = opened.size
        check_picture(picture, *size, picture.stat().st_size)
    except DanceNowError:
        return "pictures of an absurd size"
    except _DAMAGE:
        return "damaged pictures"
    if max(size) > _LARGEST_SIDE or min(size) < 16:
        return "pictures of an absurd size"
    try:
        people = OpenPoseFiles(label, size).people(0)
    except DanceNowError:
        return "damaged labels"
    if not people:
        return "labels without a person"
    pose = max((each.pose for each in people), key=_extent)
    seen = seen_points(pose)[1]
    if not seen[list(TRUNK_POINTS)].all():
        return "labels without shoulders and hips"
    body = pose.body[pose.body[:, 2] > 0, :2]
    if ((body > 0) & (body < size)).all(axis=1).sum() < _FEWEST_INSIDE:
        return "labels of a picture of another size"
    scale, left, top = _fit(size)
    return LabelledImage(name, split, picture, size, pose.transformed(scale, (left, top)))


def _extent(pose: Pose) -> float:
    body = pose.body[pose.body[:, 2] > 0, :2]
    return float(np.ptp(body, axis=0).sum()) if len(body) else 0.0


def _fit(size: tuple[int, int]) -> tuple[float, float, float]:
    """Scale and offset that centre an image of ``size`` on the canvas."""
    scale = CANVAS / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    return scale, float((CANVAS - width) // 2), float((CANVAS - height) // 2)


def _on_canvas(picture: Image) -> Image:
    height, width = picture.shape[:2]
    scale, left, top = _fit((width, height))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    if small != (width, height):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(picture, small, interpolation=method), np.uint8)
    if small == (CANVAS, CANVAS):
        return picture
    before, above = int(left), int(top)
    after, below = CANVAS - small[0] - before, CANVAS - small[1] - above
    mode = cv2.BORDER_CONSTANT if picture.shape[2] == 4 else cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(picture, above, below, before, after, mode), np.uint8)


def _held_out(pictures: list[LabelledImage]) -> list[LabelledImage]:
    """Splits images in the order of their names, the last tenth for testing."""
    ordered = sorted(pictures, key=lambda each: each.name)
    first = len(ordered) - max(1, len(ordered) // HELD_OUT)
    return [
        LabelledImage(each.name, "train" if place < first else "test", each.path, each.size, each.pose)
        for place, each in enumerate(ordered)
    ]
