"""Sources of a batch: files, folders, globs, lists and URLs, each with its place below the output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from dance_now.batch.storage import expand, has_magic, is_remote, local_path
from dance_now.core.argument_checks import check_path
from dance_now.core.errors import DanceNowError, UsageError
from dance_now.core.limits import read_bounded
from dance_now.media.image.photo_source import are_images, is_sequence, list_images, natural_key

LIST_MARK: Final = "@"
_MAX_LIST_BYTES: Final = 64_000_000


@dataclass(frozen=True)
class BatchSource:
    """One file of a batch.

    Attributes:
        path: file, folder or URL.
        folder: where its result belongs, relative to the output folder; ``.`` is the folder itself.
    """

    path: str
    folder: PurePosixPath

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.rstrip("/").rpartition("/")[2] if is_remote(self.path) else Path(self.path).name

    def absolute(self) -> BatchSource:
        """The same with an absolute path."""
        return self if is_remote(self.path) else replace(self, path=str(Path(self.path).absolute()))


def clip_or_alone(sources: Sequence[str | Path], sequence: bool | None) -> str | Path | list[Path] | None:
    """The one source that the arguments of a command name, if they do: no batch is needed for it.

    One file, one folder, or a glob of images is one source. Several images that look like the frames of a
    clip (``is_sequence``) are one as well; a shell expands globs to that.

    Args:
        sources: arguments of the command, at least one.
        sequence: whether images are the frames of a clip; None: what they look like.

    Returns:
        The source for ``dance``; None where there are several, or a list or URL is named.

    Raises:
        UsageError: a glob that matches nothing.
    """
    texts = [str(source) for source in sources]
    if any(text.startswith(LIST_MARK) or is_remote(text) for text in texts):
        return None
    paths = [Path(local_path(text)).expanduser() for text in texts]
    if len(paths) == 1:
        if paths[0].exists() or not has_magic(texts[0]):
            return sources[0]
        found = [Path(name) for name in expand(texts[0])]
        if not found:
            raise UsageError(f"No file matches {texts[0]}.")
        return sources[0] if found and "**" not in texts[0] and are_images(found) else None
    files = sorted(set(paths), key=natural_key)
    if are_images(files) and (is_sequence(files) if sequence is None else sequence):
        return files
    return None


def list_sources(sources: Sequence[str | Path], *, split_folders: bool = False) -> list[BatchSource]:
    """Lists all files of a batch, each once.

    What lies below the folder that all arguments have in common is kept: of ``a.mp4 clips/b.mp4`` the second
    belongs to ``clips``; of ``clips/a.mp4 clips/night/b.mp4`` to ``night``. Of a glob, the folder before its
    first wildcard counts.

    Args:
        sources: files, folders, globs, URLs, and lists (``@list.txt``: one of these a line; ``#`` begins a
            comment).
        split_folders: take a folder of photos apart, instead of leaving it one source. The frames of a clip
            stay together.

    Raises:
        UsageError: a glob or a list without files.
        DanceNowError: an unreadable list, or a folder without pictures.
        TypeError: an argument that is no path.
    """
    found: dict[str, str] = {}  # path -> the folder that it was named below
    for source in sources:
        check_path("source", source)
        for text in _lines(str(source)):
            for path, base in _expanded(text, split_folders):
                found.setdefault(path, base)
    local = _common([base for path, base in found.items() if not is_remote(path)])
    remote = _common([base for path, base in found.items() if is_remote(path)])
    return [
        BatchSource(path, _below(path, remote if is_remote(path) else local))
        for path in sorted(found, key=lambda path: natural_key(Path(path)))
    ]


def _lines(source: str) -> Iterator[str]:
    """The sources that an argument stands for: itself, or the lines of a list."""
    if not source.startswith(LIST_MARK) or Path(source).exists():
        yield source
        return
    path = Path(source.removeprefix(LIST_MARK)).expanduser()
    try:
        lines = read_bounded(path, _MAX_LIST_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a list of files: it is not UTF-8 text.") from error
    named = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not named:
        raise UsageError(f"{path} lists no files.")
    yield from named


def _expanded(text: str, split_folders: bool) -> Iterator[tuple[str, str]]:
    """Files that a source stands for, and the folder that they were named below."""
    text = local_path(text)
    path = text if is_remote(text) else str(Path(text).expanduser())
    exists = not is_remote(path) and Path(path).exists()
    if exists or not has_magic(path):
        if exists and split_folders and Path(path).is_dir():
            yield from _folder(path)
        else:
            yield path, _parent(path)
        return
    matches = expand(path)
    if "**" in path or not path.endswith("*"):
        matches = [each for each in matches if is_remote(each) or not Path(each).is_dir()]
    if not matches:
        raise UsageError(f"No file matches {text}.")
    base = _parent(path[: min(path.index(each) for each in "*?[" if each in path)] + "x")
    yield from ((each, base) for each in matches)


def _folder(path: str) -> Iterator[tuple[str, str]]:
    """The photos of a folder; the folder itself where it is a clip, or holds keypoints."""
    from dance_now.pose.formats.openpose_files import is_keypoints

    if is_keypoints(path):
        yield path, _parent(path)
        return
    images = list_images(Path(path).iterdir(), path)
    if is_sequence(images):
        yield path, _parent(path)
    else:
        yield from ((str(image), path) for image in images)


def _parent(path: str) -> str:
    if is_remote(path):
        return path.rstrip("/").rpartition("/")[0]
    return os.path.dirname(os.path.abspath(path))


def _common(bases: list[str]) -> str:
    """The deepest folder above all of these; "" where there is none."""
    if not bases:
        return ""
    if is_remote(bases[0]):
        parts = [base.split("/") for base in bases]
        shared = []
        for level in zip(*parts, strict=False):
            if len(set(level)) > 1:
                break
            shared.append(level[0])
        return "/".join(shared)
    try:
        return os.path.commonpath(bases)
    except ValueError:  # two drives of Windows
        return ""


def _below(path: str, root: str) -> PurePosixPath:
    """Folder of a file relative to ``root``."""
    parent = _parent(path)
    if not root:
        return PurePosixPath()
    if is_remote(path):
        inner = parent.removeprefix(root).strip("/")
        if ".." in inner.split("/"):
            raise DanceNowError(f"{path} leaves its folder by '..'. Name it directly.")
        return PurePosixPath(inner)
    return PurePosixPath(Path(os.path.relpath(parent, root)).as_posix())
