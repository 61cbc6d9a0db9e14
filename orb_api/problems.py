"""Errors as RFC 9457 problem details: one form, `application/problem+json`, whatever went wrong."""

import errno
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from orb_core.errors import (
    CancelledError,
    DamagedRunError,
    OrbError,
    RunExistsError,
    RunNotFoundError,
    StoreError,
)

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final = (
    (RunNotFoundError, HTTPStatus.NOT_FOUND),
    (RunExistsError, HTTPStatus.CONFLICT),
    (DamagedRunError, HTTPStatus.CONFLICT),
    (CancelledError, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.NOT_FOUND),
)
"""What an error means to a client; any other is about what it sent."""


class ProblemPart(BaseModel):
    """One of several things that are wrong."""

    path: str = Field(description="Where: `query.limit`, or the dotted path of a setting.")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:orb:problem:run-not-found",
                "title": "No run has this id",
                "status": 404,
                "detail": "There is no run 'spy_2024' in runs",
                "instance": "/api/runs/spy_2024",
            }
        }
    )

    type: str = Field(description="Its kind, for programs; `about:blank` where the status says it all.")
    title: str
    status: int
    detail: str = Field(description="What was received, what is allowed and what to do.")
    instance: str = Field(description="The path that was asked.")
    errors: tuple[ProblemPart, ...] = Field(default=(), description="Each part, where several are wrong.")


class ProblemResponse(Response):
    """A problem, as it is sent."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(problem.model_dump(exclude=None if problem.errors else {"errors"}), ensure_ascii=False)
        shown = content.encode(errors="replace")  # it may show what was received, which may be no text
        super().__init__(shown, problem.status, {**(headers or {}), "Cache-Control": "no-store"})


def plain_problem(status: int, detail: str, path: str) -> Problem:
    """Return a problem whose kind is its status."""
    return Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, instance=path)


def problem_of(error: OrbError, path: str) -> Problem:
    """Return the problem a deliberate error is."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__.removesuffix("Error")).lower()
    return Problem(
        type=f"urn:orb:problem:{name}",
        title=(type(error).__doc__ or "").split("\n")[0].strip().rstrip("."),
        status=_status_of(error),
        detail=str(error),
        instance=path,
        errors=tuple(ProblemPart(path=of, message=text) for of, text in getattr(error, "problems", ())),
    )


def _status_of(error: OrbError) -> int:
    cause = error.__cause__
    if type(error) is StoreError and isinstance(cause, OSError | sqlite3.Error):  # the disk failed, not the request
        is_full = isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}
        return HTTPStatus.INSUFFICIENT_STORAGE if is_full else HTTPStatus.SERVICE_UNAVAILABLE
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.UNPROCESSABLE_ENTITY)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return these problems for the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Have the app answer every error with a problem."""

    @app.exception_handler(OrbError)
    async def deliberate(request: Request, error: OrbError) -> Response:
        return ProblemResponse(problem_of(error, request.url.path))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        parts = tuple(_part(found, _parameters(request)) for found in error.errors())
        problem = Problem(
            type="urn:orb:problem:invalid-request",
            title="A parameter or a part of the body is not what it may be",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            detail="; ".join(f"`{part.path}` {part.message}" for part in parts),
            instance=request.url.path,
            errors=parts,
        )
        return ProblemResponse(problem)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        detail = str(error.detail)
        if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = f"There is nothing at {request.url.path}; the endpoints are listed at /"
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request))
        return ProblemResponse(plain_problem(error.status_code, detail, request.url.path), headers)

    @app.exception_handler(Exception)
    async def fault(request: Request, _: Exception) -> Response:  # which is then raised again, for the log
        detail = "A fault of the server itself; its log has the details"
        return ProblemResponse(plain_problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, request.url.path))


def _part(found: Mapping[str, Any], parameters: Sequence[str]) -> ProblemPart:
    path = ".".join(str(step) for step in found["loc"])
    if found["type"] == "extra_forbidden":
        near = get_close_matches(str(found["loc"][-1]), parameters, 1)
        return ProblemPart(path=path, message=f"is unknown{f'; did you mean `{near[0]}`?' if near else ''}")
    received = found.get("input")
    shown = f", not {received!r}" if isinstance(received, str | int | float) and len(repr(received)) <= 60 else ""
    message = str(found["msg"]).removeprefix("Value error, ")
    return ProblemPart(path=path, message=f"{message[:1].lower()}{message[1:]}{shown}")


def _methods(request: Request) -> list[str]:
    """Return what may be done with the path that was asked; a route of its own for each method knows only that."""
    path = getattr(request.scope.get("route"), "path", request.url.path)
    return [method.upper() for method in request.app.openapi()["paths"].get(path, ["GET"])]


def _parameters(request: Request) -> list[str]:
    """Return the names of the query parameters of the route that was asked."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    models = [parameter.field_info.annotation for parameter in getattr(dependant, "query_params", [])]
    return [name for model in models for name in getattr(model, "model_fields", {})]
