"""Output of ``dance``: its path, the file or folder written, and a contact sheet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dance_now.app.dance_options import DanceOptions
from dance_now.app.dance_source import DanceSource
from dance_now.app.dancer_frames import ComposedFrame
from dance_now.core.argument_checks import check_path
from dance_now.core.atomic_write import is_same_file, make_folder
from dance_now.core.errors import DanceNowError
from dance_now.media.contact_sheet import ContactSheet
from dance_now.media.open_media import ALPHA_EXTENSIONS, open_sink
from dance_now.media.raw_sink import STANDARD_OUTPUT
from dance_now.media.sink import Sink
from dance_now.media.source import Source, SourceKind
from dance_now.scene.compositing.composition import Scene

_EXTENSIONS: Final = {"photo": ".png", "photos": "", "video": ".mp4", "folder": ""}
_KEPT_EXTENSIONS: Final = {
    "photo": (".jpg", ".jpeg", ".webp"),
    "photos": (),
    "video": (".mkv", ".webm", ".gif", ".webp"),
    "folder": (),
}


@dataclass(frozen=True, eq=False)
class DanceOutput:
    """An opened output.

    Attributes:
        path: the file or folder.
        sink: writes it.
        sheet: collects frames for the contact sheet, where one was asked for.
    """

    path: Path
    sink: Sink
    sheet: ContactSheet | None

    @property
    def preview(self) -> Path | None:
        """The contact sheet's path."""
        return None if self.sheet is None else self.sheet.path

    def write(self, frame: ComposedFrame) -> None:
        """Writes the next frame."""
        self.sink.write(frame.image, frame.time, frame.name)
        if self.sheet is not None:
            self.sheet.add(frame.image)


@contextmanager
def open_output(
    output: str | Path | None, source: DanceSource, characters: str, options: DanceOptions
) -> Iterator[DanceOutput]:
    """Opens the output; it appears when the ``with`` block ends without an error, the contact sheet after it.

    Args:
        output: where to; None: the default, in the working folder.
        source: the input.
        characters: their names, for the default path.
        options: of which overwrite, preview, bit_depth and background apply.

    Raises:
        DanceNowError: a path that cannot be written, or is an input.
        TypeError: ``output`` is no path.
    """
    pictures = source.pictures
    with _target(output, default_output(pictures, characters, source.scene), pictures) as path:
        if options.background is not None and is_same_file(Path(options.background), path):
            raise DanceNowError(
                f"output {path} is the background itself. Choose another output.", option="output"
            )
        sheet = ContactSheet(path, pictures, options.overwrite) if options.preview else None
        width, height = pictures.size
        with open_sink(
            path,
            pictures,
            alpha=source.scene is Scene.ALPHA or _keeps_alpha(path, source, options),
            overwrite=options.overwrite,
            bit_depth=options.bit_depth,
            size=(2 * width, height) if source.scene is Scene.SIDE_BY_SIDE else (width, height),
        ) as sink:
            yield DanceOutput(path, sink, sheet)
        if sheet is not None:
            sheet.write()


def _keeps_alpha(path: Path, source: DanceSource, options: DanceOptions) -> bool:
    """Tests whether the source's own transparency is kept: where the scene shows it and the output can."""
    if source.scene is not Scene.REPLACE or options.background is not None:
        return False
    extension, pictures = path.suffix.lower(), source.pictures
    if path.is_dir() or not extension:
        return True  # images need not be alike: opaque ones stay opaque
    return extension in ALPHA_EXTENSIONS and pictures.has_alpha


def default_output(source: Source, characters: str, scene: Scene) -> Path:
    """``NAME_CHARACTER`` in the working folder, with an extension that can hold the scene."""
    suffix = output_suffix(source.kind, source.path.suffix.lower(), scene)
    return Path(f"{source.name}_{characters}{suffix}")


def output_suffix(kind: SourceKind, extension: str, scene: Scene) -> str:
    """Extension of the default output: the source's where it can be kept; "" for a folder.

    Args:
        kind: of the source.
        extension: of the source, in lower case.
        scene: what the characters appear in.
    """
    if scene is Scene.ALPHA:
        return ".mov" if kind == "video" else _EXTENSIONS[kind]
    return extension if extension in _KEPT_EXTENSIONS[kind] else _EXTENSIONS[kind]


@contextmanager
def _target(output: str | Path | None, default: Path, source: Source) -> Iterator[Path]:
    """The output's path. For a photo, a folder may be given; it is made, and removed again if left empty."""
    if output is None:
        yield default
        return
    check_path("output", output)
    target = Path(output).expanduser()
    is_folder = target.is_dir() or not target.suffix or str(output).endswith(("/", "\\"))
    if source.kind != "photo" or target == STANDARD_OUTPUT or not is_folder:
        yield Path(output)
        return
    is_new = not target.exists()
    if is_new:
        make_folder(target)
    try:
        yield target / default.with_suffix(".png").name
    finally:
        if is_new:
            with suppress(OSError):
                target.rmdir()
