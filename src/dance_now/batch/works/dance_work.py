"""Dance as a work of a batch: characters and pose estimators are loaded once in each worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from dance_now.app.character_loading import CharacterLike, load_characters, requested_characters
from dance_now.app.dance import dance_with
from dance_now.app.dance_options import DanceOptions
from dance_now.app.dance_output import output_suffix
from dance_now.app.dance_pipeline import drawing_threads
from dance_now.app.dance_source import open_dance_source
from dance_now.app.network_cache import NetworkCache
from dance_now.batch.batch_task import Outcome
from dance_now.batch.runners.runner import JobReporter
from dance_now.batch.sidecar import file_hash
from dance_now.batch.storage import is_remote
from dance_now.character.character import builtin_files
from dance_now.character.character_file import SUFFIX
from dance_now.core.errors import DanceNowError, UsageError
from dance_now.media.image.image_file import IMAGE_EXTENSIONS, image_kind
from dance_now.media.image.photo_source import is_sequence, list_images
from dance_now.media.source import SourceKind
from dance_now.pose.formats.openpose_files import is_keypoints
from dance_now.scene.compositing.composition import Scene

_FILES: Final = ("background", "model")  # options that name files
_NO_INFLUENCE: Final = ("overwrite", "device", "poses")  # options that do not change a result


@dataclass(frozen=True)
class DanceWork:
    """Replaces people with characters.

    Attributes:
        character: one or several, as for ``dance``.
        options: all other options.
    """

    character: CharacterLike | Sequence[CharacterLike]
    options: DanceOptions

    def __post_init__(self) -> None:
        if self.options.poses is not None:
            raise UsageError("poses belong to one source; there are several.", option="poses")

    def identity(self) -> Mapping[str, Any]:
        """Options and hashes of character files.

        Raises:
            DanceNowError: an unknown character, or a file that cannot be read.
        """
        options: dict[str, Any] = {}
        for field in fields(self.options):
            value = getattr(self.options, field.name)
            if field.name not in _NO_INFLUENCE and value != field.default:
                options[field.name] = _as_text(value) if field.name not in _FILES else _hash_of(str(value))
        return {"work": "dance", "character": self._characters(), "options": options}

    def output_name(self, source: str, name: str) -> str:
        """``NAME_CHARACTER.EXT``, by the kind of the source."""
        stem = Path(name.partition("?")[0]).stem
        kind = _kind_of(source, name, self.options)
        scene = Scene(self.options.scene or Scene.REPLACE)
        suffix = ".png" if kind == "photo" else output_suffix(kind, Path(name).suffix.lower(), scene)
        return f"{stem}_{self._names()}{suffix}"

    def open(self) -> DanceProcess:
        """Loads the characters, so that a broken one stops the batch before any file."""
        networks = NetworkCache()
        networks.characters(
            requested_characters(self.character), self.options.device, drawing_threads(is_photo=False)
        )
        return DanceProcess(networks, self.character, self.options)

    def _characters(self) -> list[str]:
        return [_character_hash(each) for each in requested_characters(self.character)]

    def _names(self) -> str:
        names = []
        for each in requested_characters(self.character):
            text = str(each) if isinstance(each, str | Path) else each.name
            names.append(Path(text).stem if text not in builtin_files() else text.partition(":")[0])
        return "_".join(dict.fromkeys(names))


class DanceProcess:
    """Dances one file after the other with the same networks."""

    def __init__(
        self,
        networks: NetworkCache,
        character: CharacterLike | Sequence[CharacterLike],
        options: DanceOptions,
    ) -> None:
        self._networks = networks
        self._character = character
        self._options = options

    def __call__(self, source: str, output: Path, overwrite: bool, report: JobReporter) -> Outcome:
        """Dances one file."""
        options = replace(self._options, overwrite=overwrite)
        result = dance_with(self._networks, source, self._character, output, options, report.progress)
        note = f"left out {result.left_out} people" if result.left_out else ""
        return Outcome(result.frames, result.missed, result.skipped, note)


def _kind_of(source: str, name: str, options: DanceOptions) -> SourceKind:
    """The kind of a source, from the first bytes of a file, or from the extension of a remote one.

    What cannot be read is taken for a video; opening it says what is wrong with it.
    """
    extension = Path(name.partition("?")[0]).suffix.lower()
    if is_remote(source):
        return "photo" if extension in IMAGE_EXTENSIONS else "video"
    path = Path(source)
    try:
        if is_keypoints(path):
            with open_dance_source(path, options) as opened:
                return opened.pictures.kind
        if path.is_dir():
            images = list_images(path.iterdir(), source)
            sequence = options.sequence if options.sequence is not None else is_sequence(images)
            return "folder" if sequence else "photos"
        return "photo" if path.is_file() and image_kind(path) == "still" else "video"
    except (DanceNowError, OSError):
        return "photo" if extension in IMAGE_EXTENSIONS else "video"


def _hash_of(option: str) -> str:
    """Hash of a file that an option names; a color or ``blur`` is itself."""
    path = Path(option).expanduser()
    return f"sha256:{file_hash(path)}" if path.exists() else option


def _character_hash(character: CharacterLike) -> str:
    """Name and hash of a character's file; of a loaded character, its name and version.

    Raises:
        DanceNowError: unknown, or unreadable.
    """
    if not isinstance(character, str | Path):
        card = getattr(character, "card", None)
        return f"{character.name} {getattr(card, 'version', '')}".strip()
    path = builtin_files().get(str(character))
    if path is None:
        if Path(character).suffix != SUFFIX:
            load_characters([character])  # says which names there are
        path = Path(character)
    return f"{Path(character).stem} sha256:{file_hash(path)}"


def _as_text(value: Any) -> Any:
    """An option as JSON: numbers, texts and lists are themselves; of an object, its class."""
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, Scene) else str(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    return f"{type(value).__module__}.{type(value).__qualname__}"
