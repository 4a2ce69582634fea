"""Data set reader: validated pairs of RGBA images and OpenPose labels."""

from __future__ import annotations

import logging
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import (
    MAX_JSON_BYTES,
    MAX_KEYPOINT_BYTES,
    MAX_PICTURE_BYTES,
    parse_json,
    read_bounded,
)
from dance_now.pose.model.keypoints import BODY
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import LENGTH_TOLERANCE, Skeleton

logger = logging.getLogger(__name__)

Split = Literal["train", "test"]
Skipped = dict[str, list[str]]
_LABEL_SUFFIX: Final = "_keypoints.json"
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_RGBA, _PNG_GREY = (8, 6), (8, 0)  # bits a channel, color type
_LARGEST: Final = 4096  # pixels of a side
_NAMED: Final = 3  # names that a warning lists


def ignore_folder(split: Split) -> str:
    """Name of the folder with a split's ignore masks, which only some images have.

    NAME.png there is a grey image, not 0 where the image of that name is neither trained on nor scored.
    """
    return f"{split}_ignore"


class _Pair(NamedTuple):
    encoded: bytes
    size: tuple[int, int]
    keypoints: FloatArray
    ignore: bytes | None


class LabelledPictures:
    """Images and labels of one split of a data set; unusable pairs are skipped and counted.

    Images stay compressed in memory (about 60 KB each). PNG checksums are verified on reading, so that a
    damaged image is found here and not in the middle of a run.

    Attributes:
        folder: the data set.
        names: of the images, sorted.
        keypoints: (n, 137, 4) float32: x, y, depth, confidence in canvas px.
        size: (width, height) of every image, pixels.
        skipped: names of skipped pairs, by reason.
    """

    def __init__(self, folder: Path, split: Split) -> None:
        """Reads the split and logs one warning if anything was skipped.

        Raises:
            DanceNowError: there are no usable pairs.
        """
        self.folder = folder
        pictures = _files(folder / f"{split}_img", ".png")
        labels = _files(folder / f"{split}_label", _LABEL_SUFFIX)
        ignored = _files(folder / ignore_folder(split), ".png")
        if not pictures.keys() & labels.keys():
            raise DanceNowError(
                f"{folder} holds no pairs of {split}_img/NAME.png and {split}_label/NAME{_LABEL_SUFFIX}."
            )
        self.skipped: Skipped = {}
        skeleton = _skeleton(folder)
        pairs: dict[str, _Pair] = {}
        for name in sorted(pictures.keys() | labels.keys()):
            try:
                pairs[name] = _read_pair(pictures.get(name), labels.get(name), ignored.get(name), skeleton)
            except ValueError as reason:
                self.skipped.setdefault(str(reason), []).append(name)
        sizes = Counter(pair.size for pair in pairs.values())
        self.size = sizes.most_common(1)[0][0] if sizes else (0, 0)
        self.names = [name for name, pair in pairs.items() if pair.size == self.size]
        if len(self.names) < len(pairs):
            odd = f"another size than {self.size[0]}x{self.size[1]}"
            self.skipped[odd] = sorted(pairs.keys() - set(self.names))
        summary = log_skipped(folder, self.skipped)
        if not self.names:
            raise DanceNowError(f"{folder} holds nothing to use in {split}_img and {split}_label: {summary}.")
        self._encoded = [pairs[name].encoded for name in self.names]
        self._ignored = [pairs[name].ignore for name in self.names]
        self.keypoints = np.stack([pairs[name].keypoints for name in self.names])

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int) -> Image:
        """Decodes an image: (H, W, 4) uint8 RGBA, straight alpha."""
        image = cv2.imdecode(np.frombuffer(self._encoded[index], np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None or image.ndim != 3 or image.shape[2] != 4:
            raise DanceNowError(f"{self.names[index]}.png is damaged.")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)

    @property
    def channels(self) -> int:
        """Channels of ``with_ignored``: 5 if some images have ignore masks, else 4."""
        return 5 if any(self._ignored) else 4

    def with_ignored(self, index: int) -> Image:
        """Decodes an image: (H, W, channels) uint8 RGBA, and 255 where it is to be ignored."""
        picture = self.picture(index)
        if self.channels == 4:
            return picture
        ignored = self.ignored(index)
        mask = np.zeros(picture.shape[:2], np.uint8) if ignored is None else np.where(ignored, 255, 0)
        return np.dstack([picture, mask]).astype(np.uint8)

    def ignored(self, index: int) -> BoolArray | None:
        """Decodes an image's ignore mask: (H, W) bool; None if all of the image counts."""
        encoded = self._ignored[index]
        if encoded is None:
            return None
        mask = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
        if mask is None or mask.shape[::-1] != self.size:
            raise DanceNowError(f"The ignore mask {self.names[index]}.png is damaged.")
        return np.asarray(mask > 0)


def log_skipped(folder: Path, skipped: Skipped) -> str:
    """Logs one line that counts skipped pairs by reason, and returns it; "" if there are none."""
    if not skipped:
        return ""
    parts = []
    for reason, names in sorted(skipped.items()):
        more = ", ..." if len(names) > _NAMED else ""
        parts.append(f"{len(names)} with {reason} ({', '.join(names[:_NAMED])}{more})")
    summary = "; ".join(parts)
    logger.warning("%s: skipped %s.", folder, summary)
    return summary


def read_label(path: Path) -> FloatArray:
    """Reads the first person of a label file: (137, 4) float32 x, y, depth, confidence.

    Raises:
        DanceNowError: not an OpenPose label, or without a person.
    """
    try:
        people: list[dict[str, Any]] = parse_json(read_bounded(path, MAX_KEYPOINT_BYTES))["people"]
        pose = Pose.from_openpose(people[0])
    except (DanceNowError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DanceNowError(f"{path} is not an OpenPose label ({error}).") from error
    if not (pose.points[BODY, 2] > 0).any():
        raise DanceNowError(f"{path} is an OpenPose label without a person.")
    return np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    """Files of a folder by name without ``suffix``."""
    return {path.name.removesuffix(suffix): path for path in folder.glob(f"*{suffix}") if path.is_file()}


def _skeleton(folder: Path) -> Skeleton | None:
    """Skeleton of a data set from ``dataset.json``, None without one."""
    try:
        description = parse_json(read_bounded(folder / "dataset.json", MAX_JSON_BYTES))
        return Skeleton.from_json(description["skeleton"])
    except (DanceNowError, ValueError, KeyError, TypeError):
        return None


def _read_pair(
    picture: Path | None, label: Path | None, ignored: Path | None, skeleton: Skeleton | None
) -> _Pair:
    """Reads an image and its label; raises ValueError with the reason why they are unusable."""
    if label is None:
        raise ValueError("no label")
    if picture is None:
        raise ValueError("no picture")
    try:
        encoded = read_bounded(picture, MAX_PICTURE_BYTES)
    except DanceNowError as error:
        raise ValueError("an unreadable picture") from error
    size = _png_size(encoded)
    ignore = None if ignored is None else _read_mask(ignored, size)
    try:
        keypoints = read_label(label)
    except DanceNowError as error:
        raise ValueError("a label that shows nobody") from error
    seen = keypoints[BODY, :2][keypoints[BODY, 3] > 0]
    if not ((seen >= 0) & (seen < size)).all(axis=1).any():
        raise ValueError("a label outside its picture")
    if skeleton is not None and skeleton.misfit(keypoints[:, :3]) > LENGTH_TOLERANCE:
        raise ValueError("a label of another body than the data set's")
    return _Pair(encoded, size, keypoints, ignore)


def _read_mask(path: Path, size: tuple[int, int]) -> bytes:
    """Reads an ignore mask of an image's size; raises ValueError if it is unusable."""
    try:
        encoded = read_bounded(path, MAX_PICTURE_BYTES)
        if _png_size(encoded, _PNG_GREY) == size:
            return encoded
    except (DanceNowError, ValueError) as error:
        raise ValueError("an unusable ignore mask") from error
    raise ValueError("an unusable ignore mask")


def _png_size(data: bytes, kind: tuple[int, int] = _PNG_RGBA) -> tuple[int, int]:
    """Size (width, height) of an intact PNG, verified by chunk (PNG specification, 5.3 and 11.2)."""
    place, header = len(_PNG_SIGNATURE), b""
    kinds: list[bytes] = []
    if not data.startswith(_PNG_SIGNATURE):
        raise ValueError("a damaged picture")
    while place + 12 <= len(data) and kinds[-1:] != [b"IEND"]:
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        if zlib.crc32(body).to_bytes(4, "big") != data[place + 8 + length : place + 12 + length]:
            break
        kinds.append(body[:4])
        header = header or body[4:]
        place += 12 + length
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") > 1 or kinds[-1:] != [b"IEND"] or len(header) != 13:
        raise ValueError("a damaged picture")
    width, height, bits, color = struct.unpack(">IIBB", header[:10])
    if (bits, color) != kind:
        raise ValueError("a picture that is not RGBA with 8 bits a channel")
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise ValueError(f"a picture larger than {_LARGEST} pixels")
    return width, height
