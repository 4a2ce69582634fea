"""The character file: what is written is read back, and what a stranger might send is refused."""

import dataclasses
import hashlib
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from character_files import content, file_bytes, members

from dance_now.character.character_file import (
    is_character_name,
    plain_text,
    read_character_file,
    write_character_file,
)
from dance_now.core.errors import DanceNowError

Members = dict[str, bytes]


def zipped(parts: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members, in this order, names repeated where they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def read(folder: Path, data: bytes) -> None:
    """Reads bytes as a character file."""
    path = folder / "stranger.dance"
    path.write_bytes(data)
    read_character_file(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "tester.dance"
    written = content(provenance={"steps": 5, "note": "ü"}, credits="A\nB")
    write_character_file(path, written)
    found = read_character_file(path)
    assert found.preview == written.preview
    assert found.arrays.keys() == written.arrays.keys()
    for name, array in written.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    for entry in ("name", "version", "licence", "credits", "template", "provenance"):
        assert getattr(found.card, entry) == getattr(written.card, entry)
    np.testing.assert_allclose(found.card.skeleton.rest, written.card.skeleton.rest, atol=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == ["tester.dance"]


def test_names_of_other_scripts_are_read_back(tmp_path: Path) -> None:
    """Python counts an ideographic space as unprintable; Japanese credits have them."""
    path = tmp_path / "tester.dance"
    write_character_file(path, content(credits="山田\u3000太郎"))
    assert read_character_file(path).card.credits == "山田\u3000太郎"


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (" CC0 ", "CC0"),
        ("a\tb", "a b"),
        ("\x1b[2Jme", "[2Jme"),
        ("A\nB", "A\nB"),
        ("山\u3000田", "山\u3000田"),
    ],
)
def test_text_is_made_plain_for_the_card(given: str, plain: str) -> None:
    assert plain_text(given) == plain


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "tester.dance"
    large = dataclasses.replace(content(), preview=b"\x89PNG\r\n\x1a\n" + bytes(9 << 20))
    with pytest.raises(DanceNowError, match=r"preview\.png would be larger"):
        write_character_file(path, large)
    with pytest.raises(DanceNowError, match="could not be written"):
        write_character_file(tmp_path / "absent" / "tester.dance", content())
    assert not list(tmp_path.iterdir())


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, character_bytes: bytes) -> None:
    assert file_bytes(tmp_path, content()) == character_bytes


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    broken = dataclasses.replace(content(), arrays=None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        write_character_file(tmp_path / "tester.dance", broken)
    unwritable = content(provenance={"x": object()})
    with pytest.raises(TypeError):
        write_character_file(tmp_path / "tester.dance", unwritable)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("godette", True),
        ("a", True),
        ("a-b_9", True),
        ("9a", True),
        ("a" * 64, True),
        ("", False),
        ("a" * 65, False),
        ("A", False),
        ("-a", False),
        ("a.b", False),
        ("../a", False),
        ("a/b", False),
        ("a\n", False),
        ("ä", False),
    ],
)
def test_names_are_fit_for_files(name: str, fits: bool) -> None:
    assert is_character_name(name) == fits


@pytest.mark.parametrize("name", ["absent.dance", ".", "x" * 3000, "a\0b"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DanceNowError):
        read_character_file(tmp_path / name)


def _renamed(old: str, new: str) -> Callable[[Members], list[tuple[str, bytes]]]:
    return lambda parts: [(new if name == old else name, data) for name, data in parts.items()]


ARCHIVES: list[tuple[str, Callable[[Members], list[tuple[str, bytes]]], str]] = [
    ("empty", lambda m: [], "exactly"),
    ("a member too many", lambda m: [*m.items(), ("more.txt", b"")], "exactly"),
    ("a member too few", lambda m: list(m.items())[:2], "exactly"),
    ("a member twice", lambda m: [*list(m.items())[:2], next(iter(m.items()))], "exactly"),
    ("a path", _renamed("preview.png", "../preview.png"), "exactly"),
    ("an absolute path", _renamed("preview.png", "/tmp/preview.png"), "exactly"),
    ("a folder", _renamed("preview.png", "preview.png/"), "exactly"),
    ("a bomb", lambda m: list({**m, "weights.safetensors": bytes((96 << 20) + 1)}.items()), "larger than 96"),
    ("a large preview", lambda m: list({**m, "preview.png": bytes((8 << 20) + 1)}.items()), "larger than 8"),
    ("a large card", lambda m: list({**m, "character.json": b" " * (2 << 20)}.items()), "larger than 1"),
    ("another preview", lambda m: list({**m, "preview.png": b"x"}.items()), "checksum"),
    ("other weights", lambda m: list({**m, "weights.safetensors": b""}.items()), "checksum"),
    ("of version 1", _renamed("weights.safetensors", "generator.onnx"), "dance-now convert"),
    ("no JSON", lambda m: list({**m, "character.json": b"\xff{"}.items()), "malformed"),
    ("deep JSON", lambda m: list({**m, "character.json": b"[" * 100_000}.items()), "malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), [a[1:] for a in ARCHIVES], ids=[a[0] for a in ARCHIVES])
def test_a_foreign_archive_is_refused(
    tmp_path: Path, character_bytes: bytes, change: Callable[[Members], Any], reason: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, over a name given twice
        data = zipped(change(members(character_bytes)))
    with pytest.raises(DanceNowError, match=reason):
        read(tmp_path, data)
    assert [path.name for path in tmp_path.iterdir()] == ["stranger.dance"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_usual_compression_is_read(tmp_path: Path, character_bytes: bytes, method: int) -> None:
    with pytest.raises(DanceNowError, match="unsupported zip compression"):
        read(tmp_path, zipped(list(members(character_bytes).items()), method))


def test_stored_members_are_read(tmp_path: Path, character_bytes: bytes) -> None:
    read(tmp_path, zipped(list(members(character_bytes).items()), zipfile.ZIP_STORED))


def test_encryption_is_refused(tmp_path: Path, character_bytes: bytes) -> None:
    data = bytearray(character_bytes)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(DanceNowError, match="encrypted"):
        read(tmp_path, bytes(data))


def test_sizes_that_lie_are_found_out(tmp_path: Path, character_bytes: bytes) -> None:
    """The directory promises ten bytes; the member holds more than any character."""
    card = next(iter(members(character_bytes).items()))
    data = bytearray(zipped([card, ("weights.safetensors", bytes(97 << 20)), ("preview.png", b"")]))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, second + 24, 10)
    with pytest.raises(DanceNowError):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize("disguise", ["none", "counts", "zip64"])
def test_a_long_directory_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disguise: str
) -> None:
    data = bytearray(zipped([(f"{number}", b"") for number in range(2000)]))
    end = len(data) - 22
    if disguise == "counts":
        data[end + 8 : end + 12] = struct.pack("<HH", 3, 3)
    if disguise == "zip64":  # zipfile would follow the locator and not the record
        data[end + 8 : end + 16] = struct.pack("<HHL", 3, 3, 200)
        data[end:end] = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the directory was parsed"))
    with pytest.raises(DanceNowError):
        read(tmp_path, bytes(data))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.dance"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(DanceNowError, match="larger than a character file"):
        read_character_file(path)


def card_bytes(character_bytes: bytes, key: str, value: Any) -> bytes:
    """The file with one entry of the card replaced, or removed where it is None."""
    parts = members(character_bytes)
    card = json.loads(parts["character.json"])
    if value is None:
        del card[key]
    else:
        card[key] = value
    return zipped([("character.json", json.dumps(card).encode()), *list(parts.items())[1:]])


def skeleton(**entries: Any) -> dict[str, Any]:
    """A skeleton's JSON with entries replaced."""
    return {**content().card.skeleton.to_json(), **entries}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("schema", 3, "made by a newer dance-now"),
        ("template", "hologram", "made by a newer dance-now"),
        ("template", ["surface"], "made by a newer dance-now"),
        ("template_version", 2, "made by a newer dance-now"),
        ("template_version", True, "made by a newer dance-now"),
        ("schema", "x" * 1000, "malformed"),
        ("schema", None, "malformed"),
        ("name", "../../.bashrc", "cannot be a name"),
        ("name", "a\x1b[2J", "malformed"),
        ("name", 5, "malformed"),
        ("credits", "\x1b]0;title\x07", "plain"),
        ("credits", "x" * 20000, "plain"),
        ("licence", ["CC0"], "plain"),
        ("provenance", [], "objects"),
        ("sha256", {}, "checksum"),
        ("sha256", None, "malformed"),
        ("skeleton", [], "malformed"),
        ("skeleton", skeleton(rest=[[0, 0, 0]]), "rest"),
        ("skeleton", skeleton(rest=[[float("nan")] * 3] * 137), "rest"),
        ("skeleton", skeleton(rest=[[10**400] * 3] * 137), "malformed"),
        ("skeleton", skeleton(rest=[[{}] * 3] * 137), "malformed"),
        ("skeleton", skeleton(rest=[[1.0] * 3] * 137), "without size"),
        ("skeleton", skeleton(bounds=[[0, 0, 0]] * 2), "without size"),
        ("skeleton", skeleton(known=None), "malformed"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    tmp_path: Path, character_bytes: bytes, key: str, value: Any, reason: str
) -> None:
    with pytest.raises(DanceNowError, match=reason) as caught:
        read(tmp_path, card_bytes(character_bytes, key, value))
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


def test_a_preview_is_a_png(tmp_path: Path) -> None:
    data = file_bytes(tmp_path, dataclasses.replace(content(), preview=b"<svg onload=...>"))
    with pytest.raises(DanceNowError, match="not a PNG"):
        read(tmp_path, data)


def test_the_card_names_the_checksums_of_the_others(character_bytes: bytes) -> None:
    parts = members(character_bytes)
    sums = json.loads(parts.pop("character.json"))["sha256"]
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
