"""How large a request may be."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from orb_api.problems import ProblemResponse, plain_problem

LARGEST_BODY_BYTES: Final = 2**20


class AnnouncedBodyLimit:
    """Middleware that refuses a body by the length it announces, before any of it is read.

    One that announces none is stopped by the app itself, when it has become too long.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        length = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if length.isdecimal() and int(length) > LARGEST_BODY_BYTES:
            detail = f"The body has {int(length):,} bytes; at most {LARGEST_BODY_BYTES:,} are read"
            problem = plain_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, scope["path"])
            await ProblemResponse(problem, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, receive, send)
