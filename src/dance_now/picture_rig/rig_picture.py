"""A rigged avatar from a picture file: cut out, joints, body, VRM."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import check_target, write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.picture_rig.body_regions import bone_segments
from dance_now.picture_rig.face_finder import FaceFeatures, find_face
from dance_now.picture_rig.figure_joints import FigureJoints, standing_joints
from dance_now.picture_rig.figure_matte import cut_out
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.figure_rig import rig_figure
from dance_now.picture_rig.find_joints import find_joints
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import PoseEstimator

_SURE: Final = (30, 160, 60)
_UNSURE: Final = (240, 140, 0)
_OUTLINE: Final = (220, 30, 120)
_FACE: Final = (30, 90, 230)


@dataclass(frozen=True, kw_only=True)
class RigOptions:
    """Options of a rig.

    Attributes:
        mask: image of the picture's size, white on the figure, instead of what is found.
        joints: OpenPose JSON with the figure's joints in pixels of the picture, instead of what is found.
        overwrite: replace existing files.
    """

    mask: Path | None = None
    joints: Path | None = None
    overwrite: bool = False


DEFAULT_RIG = RigOptions()


@dataclass(frozen=True)
class RigReport:
    """What became of a picture.

    Attributes:
        avatar: the file that was written.
        sheet: picture of what was found.
        joints: file of the joints, to correct by hand.
        notes: what is not sure, one line each.
    """

    avatar: Path
    sheet: Path
    joints: Path
    notes: tuple[str, ...]


def rig_picture(
    picture: Path,
    output: Path,
    *,
    licence: str | None,
    credits: str | None,
    options: RigOptions = DEFAULT_RIG,
    estimator: PoseEstimator | None = None,
) -> RigReport:
    """Makes a rigged avatar (VRM 1.0) of one figure in a picture.

    The figure stands, about faces the viewer, and has its arms off its body. Beside the avatar, a picture of
    what was found (NAME_joints.png) and the joints (NAME_joints.json, OpenPose JSON) are written; the latter
    can be corrected and given back.

    Args:
        picture: image file: an illustration or a photo.
        output: NAME.vrm.
        licence: of the picture, by name or address.
        credits: who made it.
        options: mask and joints by hand.
        estimator: of people; opened where none is given.

    Raises:
        DanceNowError: no licence or credits, unreadable files, no figure, or joints that were not found;
            where a figure was found, the picture of it is written all the same, with joints to move.

    Example:
        >>> rig_picture(Path("me.png"), Path("me.vrm"), licence="CC0", credits="me")  # doctest: +SKIP
    """
    licence, credits = _checked("licence", licence), _checked("credits", credits)
    if output.suffix.lower() != ".vrm":
        raise DanceNowError(f"output must be called NAME.vrm, not {output.name}.", option="output")
    targets = [output, *(output.with_name(f"{output.stem}_joints{suffix}") for suffix in (".png", ".json"))]
    inputs = frozenset(path for path in (picture, options.mask, options.joints) if path is not None)
    check_target(output, inputs, options.overwrite)
    estimator = open_estimator(hands=False, face=False) if estimator is None else estimator
    cut = cut_out(picture, options.mask, estimator)
    figure = FigurePicture.of(cut.rgb, cut.alpha)
    figure = replace(
        figure,
        to_picture=figure.to_picture * cut.scale,
        corner=figure.corner * cut.scale,
        picture_scale=cut.scale,
    )
    joints: FigureJoints | None = None
    face: FaceFeatures | None = None
    try:
        joints = find_joints(figure, options.joints, estimator)
        face = find_face(figure.rgb, figure.mask, joints)
    except DanceNowError as error:
        if options.joints is not None:
            raise
        _write(targets[2], joints_document(figure, standing_joints(figure.mask), None), inputs)
        raise DanceNowError(
            f"{error} Or move the joints in {targets[2].name} to their places and pass it as joints.",
            option="joints",
        ) from error
    finally:
        _write(targets[1], encode_image(joints_sheet(figure, joints, face), ".png"), inputs)
    _write(targets[2], joints_document(figure, joints, face), inputs)
    write_file(output, rig_figure(figure, joints, output.stem, licence, credits), options.overwrite)
    return RigReport(output, targets[1], targets[2], (*cut.notes, *_notes(joints, face)))


def _checked(name: str, value: str | None) -> str:
    """A text that has to be given."""
    if value is None or not value.strip():
        raise DanceNowError(
            f"{name} is needed: an avatar says under which licence its picture may be used, and who made it.",
            option=name,
        )
    return value.strip()


def _write(target: Path, content: bytes, inputs: frozenset[Path]) -> None:
    """Writes what is made beside the avatar, unless it is what the user gave."""
    if not any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        write_file(target, content, overwrite=True)


def joints_document(figure: FigurePicture, joints: FigureJoints, face: FaceFeatures | None) -> bytes:
    """OpenPose JSON of a figure, in pixels of the picture."""
    if face is not None:
        joints = replace(joints, eyes=face.eyes, mouth=face.mouth)
    pose = joints.moved(figure.to_picture, figure.corner).to_pose()
    document = {"version": 1.3, "people": [pose.to_openpose()]}
    return json.dumps(document, indent=1).encode()


def _notes(joints: FigureJoints, face: FaceFeatures | None) -> list[str]:
    notes = []
    if "legs" in joints.absent:
        arms = "" if len(joints.absent) == 1 else ", nor arms that are cut off or lie against the body"
        notes.append(f"the picture ends within the body: the upper body is rigged, legs are not{arms}")
    if joints.unsure:
        names = ", ".join(sorted(name.replace("_", " ") for name in joints.unsure))
        notes.append(f"guessed, look at the picture of the joints: {names}")
    if face is None:
        notes.append("no eyes were found: the face stays as painted")
    elif not face.has_irises:
        notes.append("no iris could be told from the white of the eyes: they do not look aside")
    if face is not None and face.mouth is None:
        notes.append("no mouth was found: it opens where mouths are, below the eyes")
    return notes


def joints_sheet(figure: FigurePicture, joints: FigureJoints | None, face: FaceFeatures | None) -> Image:
    """(H, W, 3) the figure with its outline, and joints: green, or orange where they were guessed."""
    alpha = figure.alpha[..., None]
    sheet = np.clip(figure.rgb * (0.5 + 0.5 * alpha) + 127 * (1 - alpha) * 0.5, 0, 255).astype(np.uint8)
    size = max(1, round(max(sheet.shape) / 400))
    contours, _ = cv2.findContours(figure.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(sheet, contours, -1, _OUTLINE, size, cv2.LINE_AA)
    if joints is not None:
        for start, end in (segment[:2] for segment in bone_segments(joints).values()):
            cv2.line(sheet, _pixel(start), _pixel(end), (255, 255, 255), 3 * size, cv2.LINE_AA)
            cv2.line(sheet, _pixel(start), _pixel(end), (90, 90, 90), size, cv2.LINE_AA)
        for name, point in joints.points.items():
            cv2.circle(sheet, _pixel(point), 4 * size, (255, 255, 255), -1, cv2.LINE_AA)
            color = _UNSURE if name in joints.unsure else _SURE
            cv2.circle(sheet, _pixel(point), 3 * size, color, -1, cv2.LINE_AA)
    if face is not None:
        for box in (*face.eyes.values(), *(() if face.mouth is None else (face.mouth,))):
            cv2.rectangle(sheet, _pixel(box[:2]), _pixel(box[2:]), _FACE, size, cv2.LINE_AA)
    return sheet


def _pixel(point: np.ndarray) -> tuple[int, int]:  # type: ignore[type-arg]
    return round(float(point[0])), round(float(point[1]))
