"""VMC sender: poses over UDP, one bundle a frame, to this computer unless told otherwise."""

from __future__ import annotations

import logging
import socket
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.vmc_bundle import VmcEncoder
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.retargeter import Retargeted

VMC_PORT: Final = 39539
"""On which programs that show avatars usually listen."""
_LOOPBACK: Final = "127.0.0.1"

_logger = logging.getLogger(__name__)


def parse_vmc_address(text: str) -> tuple[str, int]:
    """Parses ``HOST:PORT``, ``HOST`` or ``PORT``; the host is this computer by default, the port 39539.

    Raises:
        DanceNowError: no such address.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = ("", text) if text.isdigit() else (text, str(VMC_PORT))
    if not text or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise DanceNowError(f"{text!r} is no address. Give HOST:PORT, as in 127.0.0.1:39539.", option="vmc")
    return host.strip("[]") or _LOOPBACK, int(port)


class VmcSender:
    """Sends the poses of one performer to a program that shows avatars; use it as a context manager.

    Example:
        >>> with VmcSender("127.0.0.1:39539") as sender:  # doctest: +SKIP
        ...     sender.send(character.skeleton, retargeted, time=0.0)
    """

    def __init__(self, address: str) -> None:
        """Looks the address up.

        Raises:
            DanceNowError: no address, or an unknown or unreachable host.
        """
        host, port = parse_vmc_address(address)
        self._address = f"{host}:{port}"
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.connect(place)  # sends nothing, but tells of an unreachable network
        except OSError as error:
            raise DanceNowError(
                f"the VMC host {host} cannot be reached ({error.strerror or error}).", option="vmc"
            ) from error
        self._encoder: VmcEncoder | None = None
        self._skeleton: Skeleton | None = None
        self._told = False

    def __enter__(self) -> VmcSender:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, skeleton: Skeleton, retargeted: Retargeted, time: float) -> None:
        """Sends a pose; one that cannot be sent is left out, and the first such is warned of.

        Args:
            skeleton: the body that it was retargeted to.
            retargeted: the pose.
            time: seconds since the performance began.
        """
        if self._encoder is None or skeleton is not self._skeleton:
            self._encoder, self._skeleton = VmcEncoder(skeleton), skeleton
        try:
            self._socket.send(self._encoder.bundle(retargeted, time))
        except BlockingIOError:
            return  # the network is slower than the motion
        except OSError as error:
            if not self._told:
                self._told = True
                _logger.warning(
                    "nobody receives VMC at %s (%s): is the other program running?",
                    self._address,
                    error.strerror or error,
                )
