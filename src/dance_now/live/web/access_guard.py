"""Access guard of the live server: who may open which page.

A web page of a stranger can reach a server on this computer through the user's own browser, so loopback alone
protects nothing. Each request is checked for:

- *Host*: an exact list. A name that was made to point here (DNS rebinding) is refused.
- *Origin* and *Sec-Fetch-Site*: other sites may neither embed nor call anything. What changes something, or
  opens a socket, needs this server's own Origin.
- *Token*: given once in the address, then kept as an HttpOnly, SameSite=Strict cookie. There are two: the
  control page's, new with every start, and the show page's, which only lets look.

Sources: OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet"; W3C, "Fetch Metadata Request Headers".
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import web

_FETCH_SITES: Final = ("same-origin", "none")
_SAFE_METHODS: Final = ("GET", "HEAD")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'{compile}; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src {connect}; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Role(StrEnum):
    """What a visitor may do."""

    CONTROL = "control"
    SHOW = "show"


@dataclass(frozen=True)
class AccessGuard:
    """Middleware that checks each request.

    Attributes:
        hosts: names and addresses that this server goes by, without a port.
        port: on which it listens.
        secure: whether it speaks TLS.
        tokens: by role.
    """

    hosts: frozenset[str]
    port: int
    secure: bool
    tokens: dict[Role, str]

    @property
    def _own_hosts(self) -> frozenset[str]:
        """What the header ``Host`` may be; browsers leave the scheme's usual port out."""
        usual = 443 if self.secure else 80
        port = "" if self.port == usual else f":{self.port}"
        return frozenset(f"{bracketed(host)}{port}" for host in self.hosts)

    def address(self, role: Role, host: str = "127.0.0.1") -> str:
        """Address that opens a role's page."""
        scheme = "https" if self.secure else "http"
        page = "/" if role is Role.CONTROL else "/show"
        return f"{scheme}://{bracketed(host)}:{self.port}{page}?token={self.tokens[role]}"

    def cookie(self, role: Role) -> str:
        """Name of a role's cookie; cookies do not tell ports apart."""
        return f"dance_now_{role.value}_{self.port}"

    def role_of(self, request: web.Request) -> Role | None:
        """Role that a request's token or cookie proves; that of the control page includes the other."""
        for role in Role:
            given = [request.query.get("token", ""), request.cookies.get(self.cookie(role), "")]
            if role is Role.CONTROL and not self.may_control(request):
                continue
            if any(hmac.compare_digest(each.encode(), self.tokens[role].encode()) for each in given):
                return role
        return None

    def may_control(self, request: web.Request) -> bool:
        """Whether the control page may be given to this visitor: by TLS, or on this computer."""
        return self.secure or is_loopback(request.remote or "")

    def check(self, request: web.Request) -> None:
        """Checks where a request comes from.

        Raises:
            web.HTTPForbidden: another host's name, or another site's page.
        """
        if request.headers.get("Host") not in self._own_hosts:
            raise web.HTTPForbidden(text="This server does not go by that name.")
        scheme = "https" if self.secure else "http"
        origin = request.headers.get("Origin")
        # The page's own origin is that of the host it was asked for.
        own = f"{scheme}://{request.headers['Host']}"
        if origin is not None and origin != own:
            raise web.HTTPForbidden(text="Other sites may not use this server.")
        if request.headers.get("Sec-Fetch-Site", "none") not in _FETCH_SITES:
            raise web.HTTPForbidden(text="Other sites may not use this server.")
        calls = (
            request.method not in _SAFE_METHODS or "upgrade" in request.headers.get("Connection", "").lower()
        )
        if calls and origin is None:
            raise web.HTTPForbidden(text="This needs the page's own Origin.")

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Checks a request, turns a token in its address into a cookie, and adds the headers of safety."""
        try:
            response = await self._answer(request, handler)
        except web.HTTPException as refused:
            refused.headers.update(self._headers(request))
            raise
        if not response.prepared:
            response.headers.update(self._headers(request))
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.check(request)
        role = self.role_of(request)
        needed = getattr(handler, "role", Role.CONTROL)
        if role is None or (needed is Role.CONTROL and role is not Role.CONTROL):
            raise web.HTTPForbidden(text=self._refusal(request, needed))
        if "token" in request.query and request.method == "GET":
            # The token leaves the address, and with it the history and the title bar.
            found = web.HTTPSeeOther(request.path)
            found.set_cookie(
                self.cookie(role), self.tokens[role], httponly=True, samesite="Strict", secure=self.secure
            )
            raise found
        return await handler(request)

    def _refusal(self, request: web.Request, needed: Role) -> str:
        if needed is Role.CONTROL and not self.may_control(request):
            return (
                "The control page needs a camera, which browsers only give to pages with TLS. Open it on the "
                "computer that runs dance-now, or start it with --tls CERT KEY. /show works from here."
            )
        return "Open the address that dance-now live has printed."

    def _headers(self, request: web.Request) -> dict[str, str]:
        socket_scheme = "wss" if self.secure else "ws"
        host = request.headers.get("Host", "")
        connect = f"'self' {socket_scheme}://{host}" if host in self._own_hosts else "'self'"
        # Only the player compiles anything: its own kernel.
        compile = " 'wasm-unsafe-eval'" if request.path.startswith("/player/") else ""
        return {**_HEADERS, "Content-Security-Policy": _POLICY.format(connect=connect, compile=compile)}


def for_role(role: Role) -> Callable[[Handler], Handler]:
    """Marks a handler with the role that it needs; without a mark, control."""

    def mark(handler: Handler) -> Handler:
        handler.role = role  # type: ignore[attr-defined]
        return handler

    return mark


def bracketed(host: str) -> str:
    """Host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether a literal address is this computer's own; names are not, but for ``localhost``."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return False


def names_of(host: str) -> frozenset[str]:
    """Exact names and addresses by which a server bound to ``host`` may be called."""
    names = {"127.0.0.1", "localhost", "::1"}
    if is_loopback(host):
        return frozenset(names)
    if host not in ("0.0.0.0", "::"):
        return frozenset({*names, host})
    names.add(socket.gethostname().lower())
    with suppress(OSError):
        names.update(str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None))
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which of our addresses would be used
        names.add(probe.getsockname()[0])
    return frozenset(names)
