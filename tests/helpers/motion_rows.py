"""DeepMimic's motion files, made up."""

import json
from pathlib import Path


def write(path: Path, rows: object) -> Path:
    """A motion file with the given rows of numbers."""
    path.write_text(json.dumps({"Loop": "none", "Frames": rows}))
    return path
