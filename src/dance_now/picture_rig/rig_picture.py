"""A rigged avatar from a picture file: cut out, joints, body, VRM."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from dance_now.core.atomic_write import check_target, write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.picture_rig.face_finder import FaceFeatures, find_face
from dance_now.picture_rig.figure_joints import FigureJoints
from dance_now.picture_rig.figure_matte import cut_out
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.figure_rig import rig_figure
from dance_now.picture_rig.find_joints import find_joints
from dance_now.picture_rig.joints_sheet import joints_sheet
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import PoseEstimator


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
            where a figure was found, the picture of it is written all the same.

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
    if joints.unsure:
        names = ", ".join(sorted(name.replace("_", " ") for name in joints.unsure))
        notes.append(f"guessed, look at the picture of the joints: {names}")
    if face is None:
        notes.append("no eyes were found: the face stays as painted")
    elif face.mouth is None:
        notes.append("no mouth was found: it opens where mouths are, below the eyes")
    return notes
