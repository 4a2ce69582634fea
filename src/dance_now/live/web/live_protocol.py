"""Wire protocol of the live pages: binary frames down a WebSocket, JPEG frames up, JSON for all else.

Down: a header (``HEADER``, little endian) and the payload. Of a transparent scene, the payload is the raw
straight-alpha RGBA of the part of the frame that characters cover; a PNG of it would take a hundred times as
long to make. Of an opaque scene it is a JPEG of the whole frame.

Up: the frame's number (unsigned 32 bit, little endian) and a JPEG. A page sends one only for a credit. It has
two, and gets one back when a frame is done with, so that nothing queues. In the other direction a page gets
a frame only if it has acknowledged all but one of those before; if it has not, the newest frame waits.
"""

from __future__ import annotations

import struct
from typing import Final

import cv2
import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.live.live_frames import LiveResult

CREDITS: Final = 2  # frames of a page under way
MAX_UNACKNOWLEDGED: Final = 2  # frames on their way to a page
MAX_MESSAGE: Final = 4 << 20  # bytes of one message from a page
RAW, JPEG = 0, 1

# version, kind, 2 bytes reserved, number, seconds in the server, frame's width and height, the part's left,
# top, width and height
HEADER: Final = struct.Struct("<BBHIfHHHHHH")
VERSION: Final = 1
_NUMBER: Final = struct.Struct("<I")
_QUALITY: Final = 90


def pack_result(result: LiveResult) -> bytes:
    """Packs a drawn frame for the pages."""
    if result.picture is not None:
        bgr = cv2.cvtColor(result.picture, cv2.COLOR_RGB2BGR)
        done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise RuntimeError("OpenCV cannot write JPEG")
        kind, place, payload = JPEG, (0, 0, *result.size), encoded.tobytes()
    else:
        box = result.layer.box
        kind, place = RAW, (box.left, box.top, box.width, box.height)
        payload = np.ascontiguousarray(result.layer.pixels).tobytes()
    return (
        HEADER.pack(VERSION, kind, 0, result.number & 0xFFFFFFFF, result.latency, *result.size, *place)
        + payload
    )


def unpack_capture(message: bytes) -> tuple[int, bytes]:
    """Splits a page's message into the frame's number and its JPEG.

    Raises:
        DanceNowError: too short.
    """
    if len(message) <= _NUMBER.size:
        raise DanceNowError("a message without a frame.")
    return _NUMBER.unpack_from(message)[0], message[_NUMBER.size :]
