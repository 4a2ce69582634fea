"""Makes a surface character of an avatar: arrays, preview, score. Nothing is learned: no torch is needed."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.character.character import Character
from dance_now.character.character_file import CharacterCard, CharacterFile, plain_text, write_character_file
from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray
from dance_now.core.processor_cores import available_cores
from dance_now.media.image.photo_sink import encode_image
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.face.face_points import face_landmarks
from dance_now.synthesis.dataset import render_dataset
from dance_now.training.character_card import Report, Rights, check_rights, evaluation_summary, most_frontal
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.evaluation import evaluate
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.metrics.temporal_jitter import pose_from_label
from dance_now.training.surface.surface_builder import surface_arrays

TEST_SET: Final = "test_set"  # in the folder of a run
_IMAGES: Final = 600  # of the data set whose test split is rendered: a tenth of it
_OWN_USE: Final = "no redistribution"  # a clause of avatars' licences
_PREVIEW_SIZE: Final = (512, 512)


def train_surface(
    source: Path,
    output: Path,
    run: Path,
    *,
    motions: Path | None,
    rights: Rights,
    options: AvatarOptions,
    seed: int,
    report: Report,
) -> Evaluation:
    """Writes a surface character, scored on renders of held-out motions.

    Args:
        source: the avatar (.vrm, .glb).
        output: the character file, NAME.dance.
        run: folder of what the run is made from; the test set is kept there.
        motions: a file or folder of motions for the test set, instead of the motion library.
        rights: licence and credits, which override those of the avatar.
        options: loading options of the avatar.
        seed: of the test set.
        report: called with the stage's name, steps done, steps in all, and a note.

    Raises:
        DanceNowError: an unusable avatar, or a licence that nobody names.
    """
    report("build", 0, 1, "")
    avatar = options.load(source)
    check_rights(source, avatar.licence, rights)
    skeleton, arrays = surface_arrays(avatar, face_landmarks(avatar), options.hide)
    card = CharacterCard(
        output.stem,
        "1",
        plain_text(_licence(rights.licence or avatar.licence)),
        plain_text(rights.credits or avatar.credits),
        skeleton,
        provenance={"avatar": _origin(avatar, options), "counts": _counts(arrays)},
    )
    named = {field.name: getattr(arrays, field.name) for field in fields(arrays)}
    content = CharacterFile(card, named, b"")
    report("build", 1, 1, _spring_chains(avatar) if options.springs == "auto" else "")
    test_set = run / TEST_SET
    if not test_set.exists():
        render_dataset(
            source,
            test_set,
            _IMAGES,
            motions,
            seed=seed,
            workers=available_cores(),
            test_only=True,
            options=options,
            progress=lambda done, total: report("render", done, total, ""),
        )
    character = Character(content)
    preview = _preview(character, LabelledPictures(test_set, "test").keypoints)
    result = evaluate(character, test_set, report=lambda done, total: report("evaluate", done, total, ""))
    card = replace(card, provenance={**card.provenance, "test": evaluation_summary(result)})
    write_character_file(output, CharacterFile(card, named, preview))
    return result


def _licence(licence: str) -> str:
    """The licence, with a word to those who must not pass the avatar's geometry on."""
    return (
        f"{licence}; for your own use: this file holds the avatar's geometry"
        if _OWN_USE in licence
        else licence
    )


def _spring_chains(avatar: Avatar) -> str:
    """What swings, by the names of the nodes at which chains begin."""
    joints = [] if avatar.spring_rig is None else [joint.node for joint in avatar.spring_rig.joints]
    chains = [avatar.node_names[node] for node in joints if int(avatar.parents[node]) not in joints]
    return f"springs: {', '.join(chains)}" if chains else "nothing that swings was found"


def _origin(avatar: Avatar, options: AvatarOptions) -> dict[str, Any]:
    return {
        "name": avatar.name,
        "version": avatar.version,
        "licence": avatar.licence,
        "credits": avatar.credits,
        "objections": list(avatar.prohibitions),
        **options.to_json(),
    }


def _counts(arrays: SurfaceArrays) -> dict[str, int]:
    """How large the character is."""
    return {
        "vertices": len(arrays.positions),
        "triangles": len(arrays.triangles),
        "surfaces": len(arrays.surface_triangles),
        "expressions": len(arrays.face_solve),
        "springs": len(arrays.spring_parents),
    }


def _preview(character: Character, labels: FloatArray) -> bytes:
    """PNG of the whole figure that faces the viewer most."""
    pose = pose_from_label(labels[most_frontal(labels)])
    return encode_image(np.ascontiguousarray(character.draw(pose, _PREVIEW_SIZE)), ".png")
