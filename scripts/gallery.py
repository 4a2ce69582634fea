"""Makes docs/gallery.md and its pictures: real frames, their results, and the original's method beside ours.

Needs the folder named by DANCE_NOW_DATA for the clips. Takes the characters of the cast that are there, or
those given on the command line, by name or as files.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.arrays import Image
from dance_now.character.character import Character, cast_names
from dance_now.dancer import Dancer, Posed
from dance_now.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.opening import open_source
from dance_now.media.source import Source
from dance_now.performance import Casting, RecordedPerformance
from dance_now.pose.choice import PersonChoice
from dance_now.pose.finder import PeopleFinder
from dance_now.pose.pose import Pose
from dance_now.scene.backdrop import Backdrop, open_backdrop
from dance_now.scene.background import CleanBackground
from dance_now.scene.compose import Scene, straight
from dance_now.survey import Survey, survey

PAGE: Final = Path("docs") / "gallery.md"
PICTURES: Final = Path("docs") / "gallery"
CAST: Final = ("godette", "uka", "tempo")
RUN_UP: Final = 10  # frames danced before each moment, so that matte, light and ground are known
TILE_HEIGHT: Final = 400
DETAIL_SIDE: Final = 300
JPEG_QUALITY: Final = 86
MARGIN: Final = 0.06
CAPTION_HEIGHT: Final = 26

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Shot:
    """Some frames of a clip.

    Attributes:
        name: of the picture.
        title: of its section.
        clip: file name.
        moments: the frames shown, by index.
        people: how many are replaced: one, or two.
    """

    name: str
    title: str
    clip: str
    moments: tuple[int, ...]
    people: int = 1


SHOTS: Final = (
    Shot("juggler", "A juggler in a park", "sam2_juggle.mp4", (20, 75, 124, 173, 222)),
    Shot("balance_front", "Balancing, from the front", "single_cam01.mp4", (12, 50, 88)),
    Shot("balance_side", "Balancing, from the side", "single_cam03.mp4", (12, 50, 88)),
    Shot("two_people", "Two people, two characters", "multi_cam01.mp4", (12, 50, 88), people=2),
)
ELSEWHERE: Final = SHOTS[1]  # shown with other backgrounds and sizes, too


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame and what became of it.

    Attributes:
        index: of the frame.
        source: its picture.
        original: the original's method.
        ours: a picture for each of the casts.
        poses: of people and characters.
    """

    index: int
    source: Image
    original: Image
    ours: list[Image] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)


class Studied:
    """A clip that was looked through once, to be danced by several casts."""

    def __init__(self, source: Source, people: int) -> None:
        """Finds people and background in all pictures."""
        self.source = source
        self._which = "all" if people > 1 else "largest"
        find = PeopleFinder(most=PersonChoice(self._which).most)
        find.reset()
        self._survey: Survey = survey(source, find, _silent, background=True)
        assert self._survey.background is not None
        self._background: CleanBackground = self._survey.background.finish()

    def dancer(
        self, cast: Sequence[Character], backdrop: Backdrop | None = None, height: str = "person"
    ) -> Dancer:
        """Who dances the clip, as ``dance-now dance`` would with these options."""
        performance = RecordedPerformance(
            self._survey, PersonChoice(self._which), Casting(cast, height), self.source.size
        )
        return Dancer(
            cast,
            scene=Scene.REPLACE,
            background=self._background,
            backdrop=backdrop,
            performance=performance,
        )


def main(names: Sequence[str]) -> int:
    """Draws everything and writes the page."""
    clips = Path(os.environ.get("DANCE_NOW_DATA", "")) / "people"
    if not clips.is_dir():
        raise DanceNowError("Set DANCE_NOW_DATA to the folder with people/, which holds the clips.")
    known = names or [name for name in CAST if name in cast_names()]
    characters = [Character.load(name) for name in known]
    PICTURES.mkdir(parents=True, exist_ok=True)
    details: list[Image] = []
    with tempfile.TemporaryDirectory() as folder:
        park = Path(folder) / "park.jpg"
        for shot in SHOTS:
            with open_source(clips / shot.clip) as source:
                studied = Studied(source, shot.people)
                moments = shoot(shot, studied, characters)
                middle = moments[len(moments) // 2]
                details += close_looks(middle)
                if shot is SHOTS[0]:
                    write(park, emptied(studied, characters, shot.moments[-1]))
                if shot is ELSEWHERE:
                    write(PICTURES / "elsewhere.jpg", elsewhere(studied, characters, park, middle.index))
    write(PICTURES / "details.jpg", np.vstack([np.hstack(details[:4]), np.hstack(details[4:8])]))
    PAGE.write_text(page(characters), encoding="utf-8")
    sys.stdout.write(f"{PAGE.resolve()}\n")
    return 0


def shoot(shot: Shot, studied: Studied, characters: Sequence[Character]) -> list[Moment]:
    """Makes one picture of the gallery; each character dances first in one of the casts."""
    turned = [[*characters[turn:], *characters[:turn]] for turn in range(len(characters))]
    casts = [cast[: shot.people] for cast in turned]
    moments = list(danced(studied.source, [studied.dancer(cast) for cast in casts], shot.moments))
    columns = [" + ".join(character.name for character in cast) for cast in casts]
    write(PICTURES / f"{shot.name}.jpg", sheet(moments, ["source", "original's method", *columns]))
    return moments


def original_method(image: Image, person: npt.NDArray[np.float32], drawn: Image) -> Image:
    """The study group's way from a mask and a drawn character to a picture.

    The mask is cut at 0.9, its hole is inpainted after Navier and Stokes, and the character is pasted: its
    edge is hard, and it takes neither light nor casts a shadow.

    Args:
        image: (H, W, 3) uint8 RGB.
        person: (H, W) in [0, 1], the network's mask of those who are replaced.
        drawn: (H, W, 4) uint8 RGBA, straight alpha: the characters alone, where they stand in ours.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    hole = (person > 0.9).astype(np.uint8)
    result = np.asarray(cv2.inpaint(image, hole, 3, cv2.INPAINT_NS), np.uint8)
    figure = drawn[..., 3] > 127
    result[figure] = drawn[figure, :3]
    return result


def danced(source: Source, dancers: Sequence[Dancer], wanted: Sequence[int]) -> Iterator[Moment]:
    """The wanted frames of a clip, each danced by every dancer."""
    for frame in source.frames():
        if frame.index > max(wanted):
            return
        if not any(0 <= index - frame.index <= RUN_UP for index in wanted):
            continue
        posed = [dancer.pose(dancer.find(frame)) for dancer in dancers]
        ours = [dancer.compose(each).image for dancer, each in zip(dancers, posed, strict=True)]
        if frame.index in wanted:
            parts = [part for each in posed for part in each.found.parts]
            poses = [part.retargeted.pose for part in parts] + [part.person.detection.pose for part in parts]
            yield Moment(frame.index, frame.image, original_of(frame, posed[0]), ours, poses)


def original_of(frame: Frame, posed: Posed) -> Image:
    """A frame by the original's method, with our characters in our places."""
    height, width = frame.image.shape[:2]
    person = np.zeros((height, width), np.float32)
    for part in posed.found.parts:
        person = np.maximum(person, part.person.detection.mask.alpha_in(height, width))
    drawn = np.zeros((height, width, 4), np.uint8)
    for figure in posed.figures:
        figure.draw_over(drawn)
    return original_method(frame.image, person, straight(drawn))


def emptied(studied: Studied, characters: Sequence[Character], index: int) -> Image:
    """A frame without people and without characters."""
    dancer = studied.dancer(characters[:1])
    for frame in studied.source.frames():
        if index - RUN_UP <= frame.index:
            image = dancer.compose(replace(dancer.pose(dancer.find(frame)), figures=[])).image
        if frame.index == index:
            return image
    raise DanceNowError(f"The clip has no frame {index}.")


def elsewhere(studied: Studied, characters: Sequence[Character], park: Path, index: int) -> Image:
    """One frame with other backgrounds, and with the character at its own height."""
    variants = (
        ("--background blur", "blur", "person"),
        ("--background park.jpg", str(park), "person"),
        ("--background teal", "teal", "person"),
        ("--height own", None, "own"),
    )
    tiles = []
    for turn, (caption, background, height) in enumerate(variants):
        with nullcontext() if background is None else closing(open_backdrop(background)) as backdrop:
            dancer = studied.dancer([characters[turn % len(characters)]], backdrop, height)
            (drawn,) = danced(studied.source, [dancer], [index])
        tiles.append(tile(drawn.ours[0], TILE_HEIGHT, caption))
    return np.hstack(tiles)


def close_looks(moment: Moment) -> list[Image]:
    """Head and feet by the original's method and by ours."""
    pose = moment.poses[0]
    looks = []
    for rows in (slice(15, 19), slice(19, 25)):  # BODY_25: eyes and ears; toes and heels
        points = pose.points[rows, :2][pose.visible[rows]]
        for caption, image in (("original's method", moment.original), ("ours", moment.ours[0])):
            looks.append(tile(image[square_around(points, image)], DETAIL_SIDE, caption))
    return looks


def square_around(points: npt.NDArray[np.float32], image: Image) -> Box:
    """A square of the picture around some points."""
    height, width = image.shape[:2]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    side = min(height, width, max(DETAIL_SIDE // 2, round(2.0 * float(np.ptp(points, axis=0).max()))))
    left = int(np.clip(centre[0] - side / 2, 0, width - side))
    top = int(np.clip(centre[1] - side / 2, 0, height - side))
    return slice(top, top + side), slice(left, left + side)


def sheet(moments: Sequence[Moment], columns: Sequence[str]) -> Image:
    """A row for each moment, cut to where people and characters are."""
    cut = cut_around([pose for moment in moments for pose in moment.poses], moments[0].source)
    rows = []
    for moment in moments:
        captions = [f"{columns[0]}, frame {moment.index}", *columns[1:]]
        pictures = [moment.source, moment.original, *moment.ours]
        rows.append(
            np.hstack(
                [tile(image[cut], TILE_HEIGHT, text) for image, text in zip(pictures, captions, strict=True)]
            )
        )
    return np.vstack(rows)


def cut_around(poses: Sequence[Pose], image: Image) -> Box:
    """The rectangle around all points, with a margin."""
    height, width = image.shape[:2]
    points = np.concatenate([pose.points[pose.visible, :2] for pose in poses])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * float(high[1] - low[1])
    left, top = (int(value) for value in np.clip(low - 2 * margin, 0, None))
    right, bottom = (int(value) for value in np.clip(high + 2 * margin, 0, (width, height)))
    return slice(top, bottom), slice(left, right)


def tile(image: Image, height: int, caption: str) -> Image:
    """The picture at some height, with a white edge and a caption above it."""
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(small, CAPTION_HEIGHT, 4, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.putText(framed, caption, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)


def write(path: Path, image: Image) -> None:
    """Writes a picture."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality):
        raise DanceNowError(f"{path} could not be written.")


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def page(characters: Sequence[Character]) -> str:
    """The text of docs/gallery.md."""
    names = ", ".join(character.name for character in characters)
    shots = "\n".join(f"## {shot.title}\n\n![{shot.title}](gallery/{shot.name}.jpg)\n" for shot in SHOTS)
    credits = "\n".join(f"- *{each.name}*: {each.card.credits} ({each.card.licence})" for each in characters)
    return PAGE_TEXT.format(names=names, run_up=RUN_UP, shots=shots, credits=credits)


PAGE_TEXT: Final = """# Gallery

Frames of real clips, and the same frames with characters: {names}. `python scripts/gallery.py` makes this
page, with the clips in the folder that `DANCE_NOW_DATA` names. Every clip is looked through once, as
`dance-now dance` does it; then each of the frames is danced together with the {run_up} before it. All options
are the defaults unless a caption names them. Nothing is retouched.

*Original's method* is what the study group did, with which this project began: the mask is cut at 0.9, the
hole is inpainted after Navier and Stokes, and the character is pasted, with a hard edge and without light or
shadow. It is written out in the script. The person's mask, the pose and the drawn character are ours in both,
so that only what becomes of the scene differs.

{shots}
## Close

Heads and feet in the middle frame of the first two clips, magnified: edges, the background behind them, light
and shadow.

![Heads and feet, by the original's method and ours](gallery/details.jpg)

## Elsewhere

Another background, and a character as tall as its own measure makes it.

![The same frame with other backgrounds](gallery/elsewhere.jpg)

## Credits

Characters:

{credits}

Clips: `sam2_juggle.mp4` from the demo gallery of facebookresearch/sam2 (Apache-2.0); the others from
perfanalytics/pose2sim (BSD-3-Clause).
"""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DanceNowError as error:
        sys.exit(f"error: {error}")
