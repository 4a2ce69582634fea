"""``dance-now live`` from the command line: addresses, ports, TLS, signals, wrong usage."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import av
import pytest
from fakes import write_video

from dance_now.core.errors import MissingExtraError
from dance_now.live.web.live_server import _bound_socket

LINUX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@contextmanager
def started(tmp_path, *words, lines=2):
    """A server in a process of its own; yields it and what it has printed."""
    command = [sys.executable, "-m", "dance_now", "live", "--no-browser", "--folder", str(tmp_path), *words]
    variables = {**os.environ, "DANCE_NOW_CONFIG": str(tmp_path / "config"), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=variables, **pipes) as process:
        printed = [process.stdout.readline() for _ in range(lines)]
        try:
            yield process, printed
        finally:
            process.kill()


def address(line):
    return re.search(r"https?://\S+", line)[0]


def opened(where, context=None):
    """Opens an address as a browser does, with cookies; the status."""
    handlers = [urllib.request.HTTPCookieProcessor()]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    with urllib.request.build_opener(*handlers).open(where) as answer:
        return answer.status


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_addresses_survive_restarts_but_for_the_control_token(tmp_path):
    port = str(free_port())
    printed = []
    for words in ((), (), ("--new-token",)):
        with started(tmp_path, "--port", port, *words) as (process, lines):
            assert opened(address(lines[1])) == 200
            printed.append([address(line) for line in lines])
            process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
            assert process.wait(20) == 0 or sys.platform == "win32"
    control, show = zip(*printed, strict=True)
    assert len(set(control)) == 3
    assert show[0] == show[1] != show[2]


def test_a_port_in_use(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = run("live", "--no-browser", "--port", port)
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert "--port" in outcome.err
    first, number = _bound_socket("127.0.0.1", None)
    with first:
        second, following = _bound_socket("127.0.0.1", None)
        second.close()
    assert following > number


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_a_complete_recording(tmp_path, number):
    clip = write_video(tmp_path / "clip.mkv", [60, 70, 80])
    output = tmp_path / "out.mp4"
    words = ("--camera", str(clip), "-o", str(output), "--idle", "on")
    with started(tmp_path, *words, lines=0) as (process, _):
        # Nobody is found in it, so the character idles; wait until something is being written.
        end = time.monotonic() + 60
        while not any(path.suffix == ".mp4" and path.stat().st_size > 0 for path in tmp_path.iterdir()):
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert re.fullmatch(rf"{re.escape(str(output))}: \d+ frames\n", process.stdout.read())
    with av.open(str(output)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=live"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl")
    return paths


@pytest.mark.slow
def test_tls(tmp_path, certificate):
    words = ("--port", str(free_port()), "--tls", *map(str, certificate))
    with started(tmp_path, *words) as (_, lines):
        assert address(lines[0]).startswith("https://")
        context = ssl.create_default_context(cafile=str(certificate[0]))
        for line in lines:
            assert opened(address(line), context) == 200
        with pytest.raises(urllib.error.URLError):
            opened(address(lines[1]))  # nobody vouches for it


@pytest.mark.slow
def test_other_hosts_without_tls_get_the_show_page(tmp_path):
    """From this computer itself, the control page opens even so."""
    with started(tmp_path, "--host", "0.0.0.0", "--port", str(free_port())) as (_, lines):
        assert opened(address(lines[1])) == 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--camera", "none.mp4", "-o", "x.mp4"), "none.mp4 does not exist"),
        (("-o", "x.mp4"), "--camera"),
        (("-c", "nobody"), "no character 'nobody'"),
        (("--color", "green"), "#rrggbb"),
        (("--fps", "0"), "between 1 and 120"),
        (("--tls", "none.pem", "none.key"), "cannot be used"),
        (("--port", "99999999"), "port"),
        (("--host", "no.such.host.invalid"), "no.such.host.invalid"),
    ],
)
def test_wrong_usage_is_one_line(run, tmp_path, monkeypatch, words, message):
    monkeypatch.setenv("DANCE_NOW_CONFIG", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    outcome = run("live", "--no-browser", *words)
    assert outcome.code == 1
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(tmp_path.glob("x*"))


def test_without_the_extra_the_command_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in [name for name in sys.modules if name.startswith("dance_now.live.web")]:
        monkeypatch.delitem(sys.modules, name)
    outcome = run("live", "--no-browser")
    assert outcome.code == 1
    assert outcome.err == f"error: {MissingExtraError('aiohttp', 'live')}\n"
