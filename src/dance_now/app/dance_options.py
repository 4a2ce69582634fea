"""Options of ``dance``: one keyword-only dataclass, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict, get_args

from dance_now.core.argument_checks import (
    check_choice,
    check_flag,
    check_methods,
    check_number,
    check_path,
    check_type,
    kind_of,
)
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_PIXELS

if TYPE_CHECKING:
    from dance_now.pose.model.detection import PoseEstimator
    from dance_now.scene.compositing.composition import Scene

DEFAULT_CHARACTER: Final = "tempo"
"""Built-in character where none is named: the mascot, which is in the public domain."""

SceneName = Literal["replace", "alone", "green", "alpha", "side-by-side"]
PersonName = Literal["largest", "all", "left"]
HeightName = Literal["person", "own"]
Quality = Literal["fast", "best"]
KeypointScale = Literal["pixels", "unit", "signed"]
BitDepth = Literal[8, 10]
MouthName = Literal["face", "sound", "auto"]
DeviceName = Literal["auto", "cpu", "cuda"]

HEIGHT_LIMITS: Final = (0.1, 10.0)  # times the person's height
FRAME_RATE_LIMITS: Final = (0.1, 240.0)  # frames per second
MAX_PERSON: Final = 999_999_999
_IN_PLACE: Final = ("replace", "side-by-side")


class DanceKeywords(TypedDict, total=False):
    """Types of the keywords of ``dance``: the fields of ``DanceOptions``, all optional."""

    scene: Scene | SceneName | None
    person: PersonName | int | None
    background: str | Path | None
    match: float
    height: HeightName | float
    quality: Quality
    keep_objects: bool
    springs: bool
    mouth: MouthName
    poses: str | Path | None
    size: tuple[int, int] | None
    frame_rate: float | None
    start: float | None
    end: float | None
    keypoint_scale: KeypointScale | None
    sequence: bool | None
    overwrite: bool
    preview: bool
    bit_depth: BitDepth
    device: DeviceName
    estimator: PoseEstimator | str
    model: str | Path | None


@dataclass(frozen=True, kw_only=True, repr=False)
class DanceOptions:
    """Options of ``dance``; the same for Python and the command line.

    Attributes:
        scene: what the characters appear in: ``replace`` (the source, without the people), ``alone`` (white),
            ``green`` (a green screen), ``alpha`` (transparent) or ``side-by-side`` (source and result);
            default ``replace``, and ``alone`` for keypoints without pictures.
        person: who is replaced: ``largest``, ``all``, ``left``, or a person's ID
            (``dance-now pose --overlay`` draws them); default the largest, or all for several characters.
        background: new background: a photo, a video or a folder of pictures, a color (its name or
            ``#rrggbb``), or ``blur`` (the source, blurred).
        match: color-matching strength, 0 (off) to 1 (full).
        height: character height: ``person`` (the person's height), ``own`` (its real height, assuming the
            person is 1.7 m tall), or a factor of the person's height, 0.1 to 10.
        quality: ``fast``, or ``best``: slower, with finer faces, the source's grain and blur, and in photos
            better inpainting and hair matting.
        keep_objects: keep held objects; by default they are removed with the person.
        springs: hair and skirts swing with the motion of a clip; otherwise they hang still, as in photos.
        mouth: what mouths follow: ``face``, ``sound`` (the video's own sound track), or ``auto``, the
            sound where a face cannot be read.
        poses: keypoints of the source (OpenPose, ComfyUI, MMPose, COCO or AlphaPose), a file or a folder with
            one file per frame; by default poses are estimated.
        size: (width, height) in pixels for keypoints without pictures; default a common video size that holds
            them, 1280x720 first.
        frame_rate: frames per second for a folder of pictures or keypoints, 0.1 to 240; default 30.
        start: start of the cut in a video, seconds.
        end: end of the cut in a video, seconds.
        keypoint_scale: unit of the keypoint coordinates: ``pixels``, ``unit`` (0 to 1 across the picture) or
            ``signed`` (-1 to 1); by default detected.
        sequence: whether the pictures of a folder or glob are the frames of a clip; by default they are if
            they have one size and one name with a number that counts up. Otherwise they are photos.
        overwrite: replace an existing output.
        bit_depth: bits of a channel in the output, 8 or 10; 10 for mp4, mov and mkv (HEVC).
        preview: also write a contact sheet of the output, ``OUTPUT_preview.jpg``.
        device: hardware for networks of the ``sticks`` template: ``auto``, ``cpu`` or ``cuda`` (which needs
            onnxruntime-gpu). All other characters are drawn on the CPU.
        estimator: pose estimator, by name (``mediapipe``, ``rtmw`` or a plug-in's) or as an object.
        model: the estimator's ONNX file, for estimators that come without one. A program: trusted input.

    Raises:
        DanceNowError: a value that is out of range, unknown, or does not go with another one.
        TypeError: a value of a wrong type.

    Example:
        >>> DanceOptions(scene="green", quality="best")
        DanceOptions(scene='green', quality='best')
    """

    scene: Scene | SceneName | None = None
    person: PersonName | int | None = None
    background: str | Path | None = None
    match: float = 0.5
    height: HeightName | float = "person"
    quality: Quality = "fast"
    keep_objects: bool = False
    springs: bool = True
    mouth: MouthName = "face"
    poses: str | Path | None = None
    size: tuple[int, int] | None = None
    frame_rate: float | None = None
    start: float | None = None
    end: float | None = None
    keypoint_scale: KeypointScale | None = None
    sequence: bool | None = None
    overwrite: bool = False
    preview: bool = False
    bit_depth: BitDepth = 8
    device: DeviceName = "auto"
    estimator: PoseEstimator | str = "mediapipe"
    model: str | Path | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None or name in ("quality", "device", "mouth"):
                check_choice(name, value, choices)
        for name in ("keep_objects", "springs", "overwrite", "preview"):
            check_flag(name, getattr(self, name))
        for name in ("background", "poses", "model"):
            if getattr(self, name) is not None:
                check_path(name, getattr(self, name))
        if self.sequence is not None:
            check_flag("sequence", self.sequence)
        check_type("bit_depth", self.bit_depth, int, "an int")
        if self.bit_depth not in get_args(BitDepth):
            raise DanceNowError(f"bit_depth must be 8 or 10, not {self.bit_depth!r}.", option="bit_depth")
        check_number("match", self.match, 0, 1)
        check_height(self.height)
        check_person(self.person)
        check_estimator(self.estimator)
        self._check_timing()
        self._check_size()
        if self.background is not None and self.scene not in (None, *_IN_PLACE):
            raise DanceNowError(
                f"background needs scene {' or '.join(_IN_PLACE)}, not {str(self.scene)!r}.",
                option="background",
            )

    def _check_timing(self) -> None:
        if self.frame_rate is not None:
            check_number("frame_rate", self.frame_rate, *FRAME_RATE_LIMITS)
        if self.start is not None:
            check_number("start", self.start, 0, unit=" seconds")
        if self.end is not None:
            check_number("end", self.end, 0, unit=" seconds")
            if self.end <= (self.start or 0):
                raise DanceNowError(
                    f"end must be greater than start ({self.start or 0:g} seconds), not {self.end:g}.",
                    option="end",
                )

    def _check_size(self) -> None:
        if self.size is None:
            return
        check_type("size", self.size, tuple, "(width, height)")
        if len(self.size) != 2 or any(
            isinstance(side, bool) or not isinstance(side, int) for side in self.size
        ):
            raise TypeError(f"size must be (width, height) in whole pixels, not {self.size!r}.")
        width, height = self.size
        if min(self.size) < 1 or width * height > MAX_PIXELS:
            raise DanceNowError(
                f"size must be at least 1x1 and at most {MAX_PIXELS} pixels, not {width}x{height}.",
                option="size",
            )

    def __repr__(self) -> str:
        """The options that differ from the defaults."""
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return f"DanceOptions({', '.join(changed)})"


_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "scene": get_args(SceneName),
    "quality": get_args(Quality),
    "mouth": get_args(MouthName),
    "keypoint_scale": get_args(KeypointScale),
    "device": get_args(DeviceName),
}


def check_scene(scene: object) -> None:
    """Checks the name of a scene."""
    check_choice("scene", scene, get_args(SceneName))


def check_height(height: object) -> None:
    """Checks a character height: ``person``, ``own`` or a factor."""
    low, high = HEIGHT_LIMITS
    if isinstance(height, str):
        if height not in get_args(HeightName):
            raise DanceNowError(
                f"height must be person, own or a factor between {low:g} and {high:g}, not {height!r}.",
                option="height",
            )
        return
    check_number("height", height, low, high)


def check_person(person: object) -> None:
    """Checks who is to be replaced: a word, an ID, or None."""
    if person is None:
        return
    if isinstance(person, bool) or not isinstance(person, str | int):
        raise TypeError(f"person must be a str or an int, not {kind_of(person)}.")
    if person not in get_args(PersonName) if isinstance(person, str) else not 0 <= person <= MAX_PERSON:
        raise DanceNowError(
            f"person must be largest, all, left or a person's ID, not {person!r}.", option="person"
        )


def check_estimator(estimator: object) -> None:
    """Checks a pose estimator: a known name, or an object."""
    if isinstance(estimator, str):
        # here, since looking for plug-ins takes time and these options are needed by every command
        from dance_now.pose.estimators.estimator_registry import estimator_names

        check_choice("estimator", estimator, estimator_names())
    else:
        check_methods("estimator", estimator, ("__call__", "reset"), "a name or a pose estimator")
