"""Avatar of a picture, as the first step of training a character from it."""

from __future__ import annotations

from pathlib import Path

from dance_now.core.atomic_write import make_folder
from dance_now.media.image.image_file import image_kind
from dance_now.picture_rig.rig_picture import RigOptions, rig_picture
from dance_now.training.character_card import Report, Rights


def is_picture(source: Path) -> bool:
    """Tests whether a source is an image file."""
    return source.is_file() and image_kind(source) == "still"


def picture_avatar(
    picture: Path, run: Path, name: str, rights: Rights, options: RigOptions, report: Report
) -> Path:
    """Rigs a picture; NAME.vrm, NAME_joints.png and NAME_joints.json are kept in the run's folder.

    Args:
        picture: image file.
        run: folder of the run.
        name: of the character.
        rights: licence and credits of the picture.
        options: mask and joints by hand.
        report: called before and after, with notes.

    Returns:
        The avatar file.

    Raises:
        DanceNowError: as ``rig_picture``.
    """
    report("rig", 0, 1, "")
    make_folder(run)
    made = rig_picture(
        picture,
        run / f"{name}.vrm",
        licence=rights.licence,
        credits=rights.credits,
        options=RigOptions(mask=options.mask, joints=options.joints, overwrite=True),
    )
    report("rig", 1, 1, "; ".join(made.notes))
    return made.avatar
