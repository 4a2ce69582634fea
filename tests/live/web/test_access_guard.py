"""Who may open what: hosts, origins, tokens, cookies, headers."""

import asyncio

import pytest
from aiohttp import WSServerHandshakeError
from live_fakes import TOKENS, served

from dance_now.live.web.access_guard import AccessGuard, Role, is_loopback, names_of

CONTROL_PATHS = ("/", "/pages/control.js", "/characters/red.png", "/files/x.mp4")
SHOW_PATHS = ("/show", "/shared/show.js")


def run(test):
    """Runs a coroutine function's test."""
    asyncio.run(test())


def test_nothing_without_a_token(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor(None) as visitor:
            for path in (*CONTROL_PATHS, *SHOW_PATHS, "/control", "/watch"):
                assert (await visitor.get(path)).status == 403
                assert (await visitor.get(f"{path}?token=wrong")).status == 403
            for path in ("/characters", "/picture"):
                assert (await visitor.post(path, headers=server.own)).status == 403
            for path in ("/control", "/watch"):
                with pytest.raises(WSServerHandshakeError):
                    await visitor.ws_connect(path, headers=server.own)

    run(test)


def test_a_token_becomes_a_cookie_and_leaves_the_address(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor(None) as visitor:
            answer = await visitor.get(server.guard.address(Role.CONTROL), allow_redirects=False)
            assert answer.status == 303
            assert answer.headers["Location"] == "/"
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            for path in ("/", "/show", "/pages/control.js"):
                assert (await visitor.get(path)).status == 200

    run(test)


def test_who_may_look_may_not_control(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor(Role.SHOW) as visitor:
            for path in SHOW_PATHS:
                assert (await visitor.get(path)).status == 200
            for path in CONTROL_PATHS:
                assert (await visitor.get(path)).status == 403
            assert (await visitor.get(f"/?token={TOKENS[Role.SHOW]}")).status == 403
            with pytest.raises(WSServerHandshakeError):
                await visitor.ws_connect("/control", headers=server.own)
            assert (await visitor.post("/characters", headers=server.own, data=b"x")).status == 403

    run(test)


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "127.0.0.1.evil.example:{port}", "127.0.0.1", "localhost:1", "127.1:{port}"],
)
def test_other_names_for_this_server_are_refused(tmp_path, host):
    """DNS rebinding: a page of a stranger whose name points here."""

    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            name = host.format(port=server.guard.port)
            for path in ("/", "/show", "/watch"):
                assert (await visitor.get(path, headers={"Host": name})).status == 403

    run(test)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},  # not the name that was asked
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_other_sites_may_not_call(tmp_path, headers):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            sent = {name: value.format(port=server.guard.port) for name, value in headers.items()}
            assert (await visitor.post("/characters", headers=sent, data=b"x")).status == 403
            for path in ("/control", "/watch"):
                with pytest.raises(WSServerHandshakeError) as refused:
                    await visitor.ws_connect(path, headers=sent)
                assert refused.value.status == 403
            if sent:
                assert (await visitor.get("/", headers=sent)).status == 403

    run(test)


def test_answers_carry_the_headers_of_safety(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            for path in ("/", "/show", "/pages/control.js", "/nowhere", "/pages/../live_server.py"):
                answer = await visitor.get(path)
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert f"ws://127.0.0.1:{server.guard.port}" in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cache-Control"] == "no-store"

    run(test)


def test_pages_hold_no_inline_code(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            for path in ("/", "/show"):
                text = await (await visitor.get(path)).text()
                assert "<style" not in text
                assert " style=" not in text
                assert " onclick" not in text
                assert all("src=" in tag for tag in text.split("<script")[1:])
                assert "http" not in text  # nothing comes from elsewhere

    run(test)


def test_from_another_computer_only_the_show_page_without_tls(tmp_path):
    async def test():
        async with served(tmp_path, remote=True) as server, server.visitor(None) as visitor:
            refused = await visitor.get(server.guard.address(Role.CONTROL))
            assert refused.status == 403
            assert "--tls" in await refused.text()
            assert (await visitor.get(server.guard.address(Role.SHOW))).status == 200
            with pytest.raises(WSServerHandshakeError):
                await visitor.ws_connect("/control", headers=server.own)

    run(test)


def test_addresses():
    guard = AccessGuard(names_of("::1"), 8770, True, {Role.CONTROL: "a", Role.SHOW: "b"})
    assert guard.address(Role.SHOW, "::1") == "https://[::1]:8770/show?token=b"
    assert guard.address(Role.CONTROL) == "https://127.0.0.1:8770/?token=a"
    assert guard.cookie(Role.SHOW) == "dance_now_show_8770"


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.5.5.5", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.2", False),
        ("127.evil.example", False),
        ("", False),
    ],
)
def test_loopback(host, own):
    assert is_loopback(host) is own


def test_names():
    assert names_of("127.0.0.1") == {"127.0.0.1", "localhost", "::1"}
    assert "studio.lan" in names_of("studio.lan")
    assert "0.0.0.0" not in names_of("0.0.0.0")
