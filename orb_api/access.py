"""Who may ask: with a key, whoever has it; without one, this machine alone."""

import hmac
import ipaddress
import re
from collections.abc import Iterator
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from orb_api.problems import ProblemResponse, plain_problem

KEY_VARIABLE: Final = "ORB_API_KEY"
KEY_HEADER: Final = "X-API-Key"

_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9.-]+))(?::[0-9]*)?")


class AccessControl:
    """Middleware that lets no request through that may not be answered.

    Parameters
    ----------
    app : ASGIApp
    api_key : str or None
        What every request has to bring, as `X-API-Key` or as a bearer token. None: a request must come from this
        machine, over its loopback address, for a host of that name, and from no page of another origin.
    """

    def __init__(self, app: ASGIApp, api_key: str | None) -> None:
        self._app = app
        self._key = None if api_key is None else _digest(api_key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._unknown(scope) if self._key else self._from_elsewhere(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status = HTTPStatus.UNAUTHORIZED if self._key else HTTPStatus.FORBIDDEN
        headers = {"WWW-Authenticate": "Bearer"} if self._key else None
        await ProblemResponse(plain_problem(status, refusal, scope["path"]), headers)(scope, receive, send)

    def _unknown(self, scope: Scope) -> str | None:
        assert self._key
        given = [_digest(key) for key in _keys(scope)]
        if any([hmac.compare_digest(key, self._key) for key in given]):  # noqa: C419 — all are compared, for equal times
            return None
        said = "The key is another" if given else "A key is missing"
        return f"{said}: this server wants the value of its {KEY_VARIABLE} in a header, `{KEY_HEADER}: …`"

    def _from_elsewhere(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        client, server = (scope.get(end) for end in ("client", "server"))
        if not client or not is_loopback(client[0]) or not server or not is_loopback(server[0]):
            asked = f"it was reached from {client[0] if client else 'a socket'}"
        elif len(hosts) != 1 or not is_loopback(_host_name(hosts[0])):
            asked = f"it was asked for as {', '.join(hosts) or 'no host'}"
        elif any(origin.partition("://")[2] != hosts[0] for origin in headers.getlist("origin")):
            asked = f"a page of {headers['origin']} asked"
        else:
            return None
        return f"Without {KEY_VARIABLE} this server answers its own machine only, and {asked}; set a key to open it"


def is_loopback(host: str) -> bool:
    """Whether a name or an address can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _host_name(header: str) -> str:
    """Return a Host header without its port, and IPv6 without its brackets; nothing if it is no host."""
    found = _HOST.fullmatch(header)
    return found[1] or found[2] if found else ""


def _keys(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name == KEY_HEADER.lower().encode():
            yield value
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            yield value[7:].strip()


def _digest(key: bytes) -> bytes:
    """Return a key's hash: of one length, so that comparing tells nothing of the key's own."""
    return sha256(key).digest()
