"""The application: routes, limits and the OpenAPI document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware

from orb_api import about, answers, figures, jobs, problems, reports, runs, tables
from orb_api.access import AccessControl
from orb_api.bounds import LARGEST_BODY_BYTES, AnnouncedBodyLimit
from orb_api.problems import Problem, documented
from orb_api.rows import EquityPoint, Session, Signal, Snapshot, Trade, example_of
from orb_api.run_jobs import JobAnswer
from orb_api.server import API_VERSION, Server, Settings
from orb_core.config.models import RunConfig
from orb_core.errors import OrbError

WITH_EXAMPLES: Final = (Trade, EquityPoint, Signal, Session, Snapshot, JobAnswer)

_REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = """\
Read, start, annotate and delete the backtests of this machine.

Every error is a problem (RFC 9457). Answers about a run carry an `ETag`, to be sent back as `If-None-Match`. Trades,
equity, signals and sessions also come as CSV, Parquet or Arrow, by `Accept`. Numbers ending in `_r` are multiples of
what the trade risked, shares are fractions, instants are UTC, and null is undefined. docs/api.md and docs/results.md
tell the rest.
"""


def create_app(settings: Settings) -> FastAPI:
    """Return a server of these settings."""
    server = Server.of(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with suppress(OrbError):  # every answer will say what is the matter
            await server.quick.run(server.index.lines)  # so that first answers are as quick as any other
        await server.quick.run(answers.code_version)
        yield
        server.jobs.close()

    app: FastAPI = FastAPIOffline(
        title="ORB Confluence API",
        description=_DESCRIPTION,
        version=API_VERSION,
        lifespan=lifespan,
        responses=documented(401, 403, 422),
        redirect_slashes=False,
    )
    app.state.server = server
    for part in (about, runs, tables, figures, reports, jobs):
        app.include_router(part.router, max_body_size=LARGEST_BODY_BYTES)
    problems.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=1)
    app.add_middleware(AnnouncedBodyLimit)
    app.add_middleware(AccessControl, api_key=settings.api_key)
    app.openapi = lambda: app.openapi_schema or _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """Make the OpenAPI document, with the schema of settings taken from their models."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template=_REFERENCE)
    schemas |= schemas["Problem"].pop("$defs")
    schemas |= _settings_schemas()
    for model in WITH_EXAMPLES:  # from which FastAPI takes every null
        schemas[model.__name__]["example"] = example_of(model)
    schemas["NewRun"]["properties"]["config"] |= {"$ref": _REFERENCE.format(model="RunConfig")}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    app.openapi_schema = document
    return document


def _settings_schemas() -> dict[str, Any]:
    """Return the schemas of the configuration, in which nothing is required: what is left out has its default."""
    whole = RunConfig.model_json_schema(ref_template=_REFERENCE)
    schemas = {**whole.pop("$defs"), "RunConfig": whole}
    return {
        name: {key: value for key, value in schema.items() if key != "required"} for name, schema in schemas.items()
    }
