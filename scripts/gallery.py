"""Renders docs/gallery.md and its images: source frames, results, and the baseline method beside ours.

The clips are in the folder DANCE_NOW_DATA. The characters are the built-in ones, or those given on the
command line, by name or as files.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.app.dance_options import HeightName
from dance_now.character.character import Character, builtin_names
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.backdrop import open_backdrop
from gallery_frames import RUN_UP, AnalysedClip, Moment, danced, empty_frame

PAGE: Final = Path("docs") / "gallery.md"
PICTURES: Final = Path("docs") / "gallery"
BUILTIN: Final = ("tempo", "godette", "uka")
TILE_HEIGHT: Final = 340
DETAIL_SIDE: Final = 300
QUALITY: Final = 76
MARGIN: Final = 0.06
PART_SIDE: Final = 320  # px
LARGE: Final = ("tempo:network", "tempo")
CAPTION_HEIGHT: Final = 26

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Shot:
    """Frames of a clip for one section.

    Attributes:
        name: of the image.
        title: of its section.
        clip: file name.
        moments: indices of the frames.
        people: number of people to replace: one, or two.
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


def main(names: Sequence[str]) -> int:
    """Command line: renders all images and writes the page."""
    clips = Path(os.environ.get("DANCE_NOW_DATA", "")) / "people"
    if not clips.is_dir():
        raise DanceNowError("Set DANCE_NOW_DATA to the folder with people/, which holds the clips.")
    known = names or [name for name in BUILTIN if name in builtin_names()]
    characters = [Character.load(name) for name in known]
    PICTURES.mkdir(parents=True, exist_ok=True)
    details: list[Image] = []
    with tempfile.TemporaryDirectory() as folder:
        park = Path(folder) / "park.jpg"
        for shot in SHOTS:
            with open_source(clips / shot.clip) as source:
                clip_analysis = AnalysedClip(source, shot.people)
                moments = shoot(shot, clip_analysis, characters)
                middle = moments[len(moments) // 2]
                details += close_ups(middle)
                if shot is SHOTS[0]:
                    write(park, empty_frame(clip_analysis, characters, shot.moments[-1]))
                if shot is ELSEWHERE:
                    write(
                        PICTURES / "elsewhere.webp",
                        variant_sheet(clip_analysis, characters, park, middle.index),
                    )
                    write(PICTURES / "large.webp", parts_sheet(clip_analysis, shot.moments[0]))
    write(PICTURES / "details.webp", np.vstack([np.hstack(details[:4]), np.hstack(details[4:8])]))
    PAGE.write_text(page(characters), encoding="utf-8")
    sys.stdout.write(f"{PAGE.resolve()}\n")
    return 0


def shoot(shot: Shot, clip_analysis: AnalysedClip, characters: Sequence[Character]) -> list[Moment]:
    """Renders one image of the gallery; the characters take turns."""
    turned = [[*characters[turn:], *characters[:turn]] for turn in range(len(characters))]
    lineups = [lineup[: shot.people] for lineup in turned]
    moments = list(
        danced(clip_analysis.source, [clip_analysis.dancer(lineup) for lineup in lineups], shot.moments)
    )
    columns = [" + ".join(character.name for character in lineup) for lineup in lineups]
    write(PICTURES / f"{shot.name}.webp", sheet(moments, ["source", "original's method", *columns]))
    return moments


def variant_sheet(
    clip_analysis: AnalysedClip, characters: Sequence[Character], park: Path, index: int
) -> Image:
    """One frame with other backgrounds, and with the character's own height."""
    variants: tuple[tuple[str, str | None, HeightName], ...] = (
        ("--background blur", "blur", "person"),
        ("--background park.jpg", str(park), "person"),
        ("--background teal", "teal", "person"),
        ("--height own", None, "own"),
    )
    tiles = []
    for turn, (caption, background, height) in enumerate(variants):
        with nullcontext() if background is None else closing(open_backdrop(background)) as backdrop:
            dancer = clip_analysis.dancer([characters[turn % len(characters)]], backdrop, height)
            (drawn,) = danced(clip_analysis.source, [dancer], [index])
        tiles.append(tile(drawn.ours[0], TILE_HEIGHT, caption))
    return np.hstack(tiles)


def parts_sheet(clip_analysis: AnalysedClip, index: int) -> Image:
    """Head, hands and feet of a large figure, pixel for pixel: source, network, surface."""
    dancers = [clip_analysis.dancer([Character.load(name)]) for name in LARGE]
    (moment,) = danced(clip_analysis.source, dancers, [index])
    body = moment.poses[0].body[:, :2]
    rows = []
    for middle in (body[0], body[4], body[[19, 22]].mean(axis=0)):
        left, top = (
            int(np.clip(each - PART_SIDE / 2, 0, most - PART_SIDE))
            for each, most in zip(middle, moment.source.shape[1::-1], strict=True)
        )
        box = np.s_[top : top + PART_SIDE, left : left + PART_SIDE]
        pictures = zip((moment.source, *moment.ours), ("source", *LARGE), strict=True)
        rows.append(np.hstack([tile(image[box], PART_SIDE, caption) for image, caption in pictures]))
    return np.vstack(rows)


def close_ups(moment: Moment) -> list[Image]:
    """Close-ups of head and feet by the baseline method and by ours."""
    pose = moment.poses[0]
    looks = []
    for rows in (slice(15, 19), slice(19, 25)):  # BODY_25: eyes and ears; toes and heels
        points = pose.points[rows, :2][pose.visible[rows]]
        for caption, image in (("original's method", moment.original), ("ours", moment.ours[0])):
            looks.append(tile(image[square_around(points, image)], DETAIL_SIDE, caption))
    return looks


def square_around(points: npt.NDArray[np.float32], image: Image) -> Box:
    """Square crop around points."""
    height, width = image.shape[:2]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    side = min(height, width, max(DETAIL_SIDE // 2, round(2.0 * float(np.ptp(points, axis=0).max()))))
    left = int(np.clip(centre[0] - side / 2, 0, width - side))
    top = int(np.clip(centre[1] - side / 2, 0, height - side))
    return slice(top, top + side), slice(left, left + side)


def sheet(moments: Sequence[Moment], columns: Sequence[str]) -> Image:
    """Sheet with a row per frame, cropped to people and characters."""
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
    """Bounding rectangle of all points, with a margin."""
    height, width = image.shape[:2]
    points = np.concatenate([pose.points[pose.visible, :2] for pose in poses])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * float(high[1] - low[1])
    left, top = (int(value) for value in np.clip(low - 2 * margin, 0, None))
    right, bottom = (int(value) for value in np.clip(high + 2 * margin, 0, (width, height)))
    return slice(top, bottom), slice(left, right)


def tile(image: Image, height: int, caption: str) -> Image:
    """Scales an image to a height, with a white border and a caption above."""
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(small, CAPTION_HEIGHT, 4, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.putText(framed, caption, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)


def write(path: Path, image: Image) -> None:
    """Writes an image."""
    quality = [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
    if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality):
        raise DanceNowError(f"{path} could not be written.")


def page(characters: Sequence[Character]) -> str:
    """Text of docs/gallery.md."""
    names = ", ".join(character.name for character in characters)
    shots = "\n".join(f"## {shot.title}\n\n![{shot.title}](gallery/{shot.name}.webp)\n" for shot in SHOTS)
    credits = "\n".join(f"- *{each.name}*: {each.card.credits} ({each.card.licence})" for each in characters)
    return PAGE_TEXT.format(names=names, run_up=RUN_UP, shots=shots, credits=credits)


PAGE_TEXT: Final = """# Gallery

Frames of real clips, and the same frames with the characters {names}.

`python scripts/gallery.py` writes this page from the clips in the folder that `DANCE_NOW_DATA` names. Every
clip has an analysis pass, as in `dance-now dance`; then each frame is processed together with the
{run_up} before it. All options have their defaults unless a caption names them. Nothing is retouched.

*Original's method* is the method of the study-group project that this project began as: the mask is cut at
0.9, the hole is inpainted by the Navier-Stokes method, and the character is pasted with a hard edge,
without light or shadow (`scripts/gallery_frames.py`). Both methods use our mask, pose and drawn character,
so they differ in the scene only.

{shots}
## Close-ups

Heads and feet in the middle frame of the first two clips, magnified: edges, background, light and shadow.

![Heads and feet, by the original's method and ours](gallery/details.webp)

## Large figures

Parts of a frame of a 1080x1920 video, pixel for pixel: the source, Tempo as a network of 512 pixels, which is
how every character was drawn before file version 2, and Tempo as a surface.

![Parts of a large figure: source, network, surface](gallery/large.webp)

## Other backgrounds and sizes

New backgrounds, and a character with its real height.

![The same frame with other backgrounds](gallery/elsewhere.webp)

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
