"""Export of a trained generator: character file with card and test score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dance_now.character.character import Character
from dance_now.character.character_file import CharacterCard, CharacterFile, write_character_file
from dance_now.core.arrays import FloatArray
from dance_now.training.character_card import Report, evaluation_summary, most_frontal
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.evaluation import evaluate
from dance_now.training.metrics.scores import Evaluation

ContentMaker = Callable[[CharacterCard, FloatArray], CharacterFile]
"""Makes a character file's content of its card and of labels (n, 137, 4); the first is the preview."""
_SAMPLES_COMPARED = 4


def export(
    make_content: ContentMaker,
    card: CharacterCard,
    dataset: Path,
    output: Path,
    provenance: dict[str, Any],
    report: Report,
) -> Evaluation:
    """Exports the character file, evaluates it on the test split, and stores the score in its card."""
    labels = LabelledPictures(dataset, "test").keypoints
    spread = np.linspace(0, len(labels) - 1, _SAMPLES_COMPARED).round().astype(int)
    chosen = [most_frontal(labels), *spread]
    card = replace(card, provenance={**card.provenance, **provenance})
    content = make_content(card, labels[chosen])
    result = evaluate(
        Character(content), dataset, report=lambda done, total: report("evaluate", done, total, "")
    )
    card = replace(card, provenance={**card.provenance, "test": evaluation_summary(result)})
    write_character_file(output, replace(content, card=card))
    return result
