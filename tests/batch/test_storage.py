"""Remote files: copied to scratch, results uploaded, and skipped the next time."""

import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fakes import MagentaEstimator, RedCharacter, scenery, with_person, write_photo, write_video

from dance_now import DanceOptions, dance_many
from dance_now.batch import storage
from dance_now.core.errors import DanceNowError, MissingExtraError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket():
    """A store in memory with two clips and a photo of nobody."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def fill(bucket, tmp_path):
    for name, path in {
        "day/a.mp4": write_video(tmp_path / "a.mp4", [50, 60]),
        "day/two/b.mp4": write_video(tmp_path / "b.mp4", [70, 80, 90]),
        "day/nobody.png": write_photo(tmp_path / "nobody.png", scenery()),
    }.items():
        bucket.pipe_file(f"/{name}", path.read_bytes())


def run(sources, output, **options):
    chosen = DanceOptions(estimator=MagentaEstimator(), **options)
    results = dance_many(sources, RedCharacter(), output, options=chosen)
    return {result.source.rpartition("/")[2]: result for result in results}


def test_a_bucket_to_a_bucket_and_again(bucket, tmp_path):
    fill(bucket, tmp_path)
    results = run("memory://day/**/*.*", "memory://done", preview=True)
    assert {name: result.status for name, result in results.items()} == {
        "a.mp4": "ok",
        "b.mp4": "ok",
        "nobody.png": "error",
    }
    assert bucket.exists("/done/a_red.mp4")
    assert bucket.exists("/done/two/b_red_preview.jpg")
    local = run([tmp_path / "a.mp4"], tmp_path / "local")
    assert bucket.cat_file("/done/a_red.mp4") == (tmp_path / "local" / "a_red.mp4").read_bytes()
    assert local["a.mp4"].status == "ok"
    lines = [json.loads(line) for line in bucket.cat_file("/done/report.jsonl").splitlines()]
    assert len(lines) == 3
    again = run("memory://day/**/*.mp4", "memory://done", preview=True)
    assert {result.status for result in again.values()} == {"skipped"}
    assert len(bucket.cat_file("/done/report.jsonl").splitlines()) == 5
    assert (
        "another match"
        in run("memory://day/a.mp4", "memory://done", preview=True, match=0.1)["a.mp4"].message
    )


def test_a_bucket_to_a_folder(bucket, tmp_path):
    fill(bucket, tmp_path)
    assert run("memory://day/*.mp4", tmp_path / "out")["a.mp4"].status == "ok"
    assert (tmp_path / "out" / "a_red.mp4").exists()
    missing = run(["memory://day/nowhere.mp4"], tmp_path / "out")["nowhere.mp4"]
    assert "memory://day/nowhere.mp4" in missing.message


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Nothing on stderr."""


def test_the_web(tmp_path):
    pytest.importorskip("aiohttp")
    (tmp_path / "web").mkdir()
    write_photo(tmp_path / "web" / "park.png", with_person(60))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "web"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert run([f"{address}/park.png"], tmp_path / "out")["park.png"].status == "ok"
        assert (tmp_path / "out" / "park_red.png").exists()
        assert run([f"{address}/gone.png"], tmp_path / "out")["gone.png"].status == "error"
        with pytest.raises(DanceNowError, match="a web address cannot be written"):
            run([f"{address}/park.png"], f"{address}/out")
    finally:
        server.shutdown()
        server.server_close()


def test_what_is_larger_than_the_disk_is_refused(bucket, tmp_path, monkeypatch):
    fill(bucket, tmp_path)
    monkeypatch.setattr(storage, "_SPARE", 10**18)
    desk = tmp_path / "scratch"
    desk.mkdir()
    with pytest.raises(DanceNowError, match="larger than the free space"):
        storage.download("memory://day/a.mp4", desk)


def test_unknown_protocols_and_missing_packages_are_one_line(monkeypatch):
    with pytest.raises(DanceNowError, match="Protocol not known"):
        storage.stamp("nonsense://bucket/a.mp4")
    monkeypatch.setitem(os.sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dance-now\[cluster\]"'):
        storage.stamp("memory://day/a.mp4")
