"""The server's pages and sockets, from a client's side."""

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from aiohttp import WSMsgType
from fakes import HEIGHT, WIDTH, magenta, red, with_person
from live_fakes import SETTINGS, Role, captured, jpeg, running, served, wait_async

from dance_now.live.vmc_output import VmcOutput
from dance_now.live.web.live_protocol import HEADER, JPEG, RAW
from dance_now.pose.formats.vmc_sender import VmcSender

IMAGE = with_person(90)
SHOW = Role.SHOW


def run(test):
    """Runs a coroutine function's test."""
    asyncio.run(asyncio.wait_for(test(), 60))


class Page:
    """A page's end of a WebSocket."""

    def __init__(self, channel):
        self.channel = channel
        self.texts = []
        self.frames = []
        self.credits = 0
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for message in self.channel:
            if message.type is WSMsgType.BINARY:
                self.frames.append(message.data)
                continue
            text = json.loads(message.data)
            self.credits += text.get("count", 0) if text["type"] == "credit" else 0
            self.texts.append(text)

    def last(self, kind):
        """The newest message of a kind."""
        found = [each for each in self.texts if each["type"] == kind]
        return found[-1] if found else None

    async def say(self, **message):
        await self.channel.send_str(json.dumps(message))

    async def send(self, image=IMAGE, number=1):
        """Sends a frame for a credit."""
        await wait_async(lambda: self.credits)
        self.credits -= 1
        await self.channel.send_bytes(number.to_bytes(4, "little") + jpeg(image))

    async def dance(self, image=IMAGE, number=1):
        """Sends a frame and returns what comes back: header and payload."""
        before = len(self.frames)
        await self.send(image, number)
        await wait_async(lambda: len(self.frames) > before)
        await self.channel.send_str("shown")
        return HEADER.unpack_from(self.frames[-1]), self.frames[-1][HEADER.size :]

    @property
    def gone(self):
        """Whether the server has closed the socket."""
        return self._reader.done()


async def control(server, visitor):
    """The control page's socket, with the camera."""
    page = Page(await visitor.ws_connect("/control", headers=server.own))
    await page.channel.send_str("capture")
    await wait_async(lambda: page.credits and page.last("state"))
    return page


async def show(server, visitor):
    """The show page's socket."""
    return Page(await visitor.ws_connect("/watch", headers=server.own))


def test_a_frame_goes_up_and_its_drawn_part_comes_down(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            header, payload = await page.dance(number=0xFFFFFFFE)
            version, kind, _, number, seconds, width, height, left, _, across, down = header
            assert (version, kind, number) == (1, RAW, 0xFFFFFFFE)
            assert 0 < seconds < 20
            assert (width, height) == (WIDTH, HEIGHT)
            assert len(payload) == 4 * across * down
            drawn = np.frombuffer(payload, np.uint8).reshape(down, across, 4)
            assert red(drawn)[drawn[..., 3] == 255].mean() > 0.9
            assert left < 90 < left + across
            assert across * down < 0.5 * width * height

    run(test)


def test_opaque_scenes_come_as_jpeg(tmp_path):
    async def test():
        async with (
            served(tmp_path, replace(SETTINGS, scene="replace")) as server,
            server.visitor() as visitor,
        ):
            page = await control(server, visitor)
            header, payload = await page.dance()
            assert header[1] == JPEG
            assert header[7:] == (0, 0, WIDTH, HEIGHT)
            image = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR_RGB)
            assert image.shape == (HEIGHT, WIDTH, 3)
            assert red(image).any()
            assert magenta(image).sum() < 0.2 * magenta(IMAGE).sum()

    run(test)


def test_two_credits_and_each_comes_back(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            assert page.credits == 2
            for number in range(5):
                await page.dance(number=number)
            await wait_async(lambda: page.credits == 2)
            assert not page.gone

    run(test)


def test_more_frames_than_credits_end_the_connection(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            for _ in range(200):
                if page.gone:
                    break
                await page.channel.send_bytes(b"\1\0\0\0" + jpeg(IMAGE))
                await asyncio.sleep(0)
            await wait_async(lambda: page.gone)
            assert page.channel.close_code == 1008

    run(test)


def test_several_show_pages_and_late_ones_get_pictures(tmp_path):
    async def test():
        async with (
            served(tmp_path) as server,
            server.visitor() as visitor,
            server.visitor(SHOW) as other,
        ):
            page = await control(server, visitor)
            await page.dance()
            shows = [await show(server, other) for _ in range(3)]
            await wait_async(lambda: all(each.frames for each in shows))
            assert shows[0].frames[0] == page.frames[-1]
            assert not any(each.last("state") for each in shows)  # nothing but frames and the backdrop
            assert shows[0].last("backdrop") == {"type": "backdrop", "color": None}
            await page.say(type="set", changes={"scene": "color", "color": "#123456"})
            await wait_async(lambda: all(each.last("backdrop")["color"] == "#123456" for each in shows))

    run(test)


def test_a_sleeping_page_gets_two_frames_and_then_the_newest(tmp_path):
    async def test():
        async with (
            served(tmp_path) as server,
            server.visitor() as visitor,
            server.visitor(SHOW) as other,
        ):
            page, sleeper = await control(server, visitor), await show(server, other)
            for number in range(12):
                await page.dance(number=number)
            assert [HEADER.unpack_from(each)[3] for each in sleeper.frames] == [0, 1]
            await sleeper.channel.send_str("shown")
            await wait_async(lambda: len(sleeper.frames) == 3)
            assert HEADER.unpack_from(sleeper.frames[-1])[3] == 11

    run(test)


def test_a_client_that_never_reads_holds_nobody_up(tmp_path):
    async def test():
        async with (
            served(tmp_path) as server,
            server.visitor() as visitor,
            server.visitor(SHOW) as other,
        ):
            await other.ws_connect("/watch", headers=server.own)  # and never reads from it
            page = await control(server, visitor)
            for number in range(20):
                header, _ = await page.dance(number=number)
                assert header[3] == number

    run(test)


def test_the_camera_moves_to_the_page_that_takes_it(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            first = await control(server, visitor)
            second = await control(server, visitor)
            await wait_async(lambda: first.last("released"))
            await first.channel.send_bytes(b"\1\0\0\0" + jpeg(IMAGE))  # was on its way
            await second.dance(number=5)
            assert HEADER.unpack_from(second.frames[-1])[3] == 5
            assert not first.gone

    run(test)


def test_a_server_with_a_camera_takes_no_frames_of_pages(tmp_path):
    async def test():
        async with served(tmp_path, camera="camera 0") as server, server.visitor() as visitor:
            page = Page(await visitor.ws_connect("/control", headers=server.own))
            await page.channel.send_str("capture")
            await wait_async(lambda: page.last("stats"))
            assert page.last("state")["camera"] == "camera 0"
            assert page.credits == 0
            server.director.engine.submit(captured(IMAGE))
            await wait_async(lambda: page.frames)

    run(test)


def test_settings_are_checked_and_told_to_all(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page, other = await control(server, visitor), await control(server, visitor)
            await page.say(type="set", changes={"frame_rate_limit": 15, "scene": "replace"})
            await wait_async(lambda: other.last("state")["settings"]["frame_rate_limit"] == 15)
            bad = [
                {"frame_rate_limit": 0},
                {"frame_rate_limit": "many"},
                {"scene": "moon"},
                {"color": "red; x"},
                {"character": "blue"},
                {"__class__": 1},
                {"person": -1},
                {"paused": "yes"},
                [],
                None,
            ]
            for count, changes in enumerate(bad, 1):
                await page.say(type="set", changes=changes)
                await wait_async(lambda: sum(each["type"] == "notice" for each in page.texts) == count)  # noqa: B023
            assert server.director.engine.settings.frame_rate_limit == 15
            assert server.director.engine.settings.scene == "replace"

    run(test)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\1",
        b"\1\0\0\0",
        b"\1\0\0\0garbage",
        b"\1\0\0\0" + b"\xff\xd8\xff" + bytes(100),
        bytes(range(256)) * 40,
    ],
)
def test_binary_garbage_costs_a_notice(tmp_path, garbage):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            page.credits -= 1
            await page.channel.send_bytes(garbage)
            await wait_async(lambda: page.last("notice"))
            await page.dance()
            await wait_async(lambda: page.credits == 2)

    run(test)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "nonsense", "[" * 5000, '{"type": 3}', '{"type": "record", "on": true}']
)
def test_texts_that_mean_nothing_cost_a_notice(tmp_path, text):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            await page.channel.send_str(text)
            await wait_async(lambda: page.last("notice"))
            await page.dance()

    run(test)


def test_a_jpeg_bomb_is_not_decoded(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            bomb = bytearray(jpeg(IMAGE))
            place = bomb.index(b"\xff\xc0") + 5
            bomb[place : place + 4] = b"\xff\xff\xff\xff"  # 65535 x 65535
            await page.channel.send_bytes(b"\1\0\0\0" + bytes(bomb))
            await wait_async(lambda: page.last("notice"))
            assert "65535x65535" in page.last("notice")["text"]

    run(test)


def test_messages_have_a_limit(tmp_path):
    async def test():
        async with (
            served(tmp_path) as server,
            server.visitor() as visitor,
            server.visitor(SHOW) as other,
        ):
            page, looker = await control(server, visitor), await show(server, other)
            with suppress(ConnectionError):  # the server may hang up in the middle of it
                await page.channel.send_bytes(bytes(5 << 20))
            await looker.channel.send_str("x" * 1000)
            await wait_async(lambda: page.gone and looker.gone)
            chatty = await show(server, other)
            await chatty.channel.send_str("set")
            await wait_async(lambda: chatty.gone)

    run(test)


def test_recording_and_snapshot(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            await page.say(type="snapshot")
            await wait_async(lambda: page.last("notice"))  # no frame yet
            await page.say(type="record", on=True, format=".webm")
            await wait_async(lambda: page.last("state")["recording"])
            for number in range(6):
                await page.dance(number=number)
            await page.say(type="record", on=False)
            await page.say(type="snapshot")
            await wait_async(lambda: len(page.last("state")["files"]) == 2)
            video, picture = page.last("state")["files"]
            answer = await visitor.get(f"/files/{video}", headers={"Range": "bytes=0-99"})
            assert answer.status == 206
            assert answer.content_type == "video/webm"
            with av.open(str(tmp_path / video)) as container:
                assert container.streams.video[0].metadata["alpha_mode"] == "1"
            stored = cv2.imread(str(tmp_path / picture), cv2.IMREAD_UNCHANGED)
            assert stored.shape == (HEIGHT, WIDTH, 4)
            assert stored[0, 0, 3] == 0
            assert stored[..., 3].max() == 255
            assert (await visitor.get("/files/..%2Fpyproject.toml")).status == 404

    run(test)


def test_uploads(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            refused = await visitor.post("/characters", headers=server.own, data=b"no character")
            assert refused.status == 400
            assert "not a character file" in (await refused.json())["error"]
            for data in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(30)):
                assert (await visitor.post("/picture", headers=server.own, data=data)).status in (400, 413)
            beach = cv2.imencode(".png", np.full((20, 40, 3), (10, 200, 250), np.uint8))[1].tobytes()
            done = await visitor.post("/picture?name=beach.png", headers=server.own, data=beach)
            assert done.status == 200
            await wait_async(lambda: page.last("state")["picture"] == "beach.png")
            header, payload = await page.dance()
            while header[1] != JPEG:  # one that was under way
                header, payload = await page.dance()
            image = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR_RGB)
            assert np.abs(image[5, 5].astype(int) - [250, 200, 10]).max() < 8

    run(test)


def test_ten_pages(tmp_path):
    async def test():
        async with (
            served(tmp_path) as server,
            server.visitor() as visitor,
            server.visitor(SHOW) as other,
        ):
            page = await control(server, visitor)
            shows = [await show(server, other) for _ in range(10)]
            await page.dance()
            await wait_async(lambda: all(each.frames for each in shows))
            await wait_async(lambda: (page.last("stats") or {}).get("shows") == 10)
            for each in shows:
                await each.channel.close()
            await wait_async(lambda: (page.last("stats") or {}).get("shows") == 0)

    run(test)


def test_a_recording_is_complete_when_the_server_ends(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            page = await control(server, visitor)
            await page.say(type="record", on=True, format=".mp4")
            await wait_async(lambda: page.last("state")["recording"])
            for number in range(5):
                await page.dance(number=number)

    run(test)
    (video,) = tmp_path.glob("*.mp4")
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5
    assert list(tmp_path.iterdir()) == [video]


def test_the_player_page_is_served_with_its_own_policy(tmp_path):
    async def test():
        async with served(tmp_path) as server, server.visitor() as visitor:
            answer = await visitor.get("/player")
            if answer.status == 404:
                pytest.skip(await answer.text())
            assert answer.status == 200
            assert answer.url.path == "/player/"
            assert "'wasm-unsafe-eval'" in answer.headers["Content-Security-Policy"]
            assert "dance_now player" in (await answer.text()).replace("<span>_</span>", "_")
            for name, kind in (
                ("kernel.wasm", "application/wasm"),
                ("character/kernel.js", "text/javascript"),
                ("characters/index.json", "application/json"),
                ("characters/godette.dance", "application/octet-stream"),
            ):
                answer = await visitor.get(f"/player/{name}")
                assert (answer.status, answer.content_type) == (200, kind)
            for name in ("package.json", "..%2fpages%2fcontrol.js", "%2e%2e/live_routes.py", "nothing"):
                assert (await visitor.get(f"/player/{name}")).status == 404
            answer = await visitor.get("/")
            assert "wasm" not in answer.headers["Content-Security-Policy"]
        async with served(tmp_path) as server, server.visitor(SHOW) as visitor:
            assert (await visitor.get("/player/")).status == 403

    run(test)


def test_vmc_gets_the_first_character(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        with VmcSender(str(receiver.getsockname()[1])) as sender, running() as (engine, _):
            engine.subscribe(VmcOutput(sender).write)
            engine.submit(captured(IMAGE))
            packet = receiver.recv(65536)
    assert packet.startswith(b"#bundle")
    assert b"/VMC/Ext/Bone/Pos" in packet
