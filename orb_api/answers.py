"""What is sent: in the form the client prefers, and not at all if it has it already."""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

import orjson
import pyarrow as pa
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from orb_core.engine.backtest import ENGINE_VERSION
from orb_core.store.provenance import git_commit, package_versions
from orb_core.store.stored_run import StoredRun
from orb_core.store.tables import table_to_csv, table_to_parquet

JSON: Final = "application/json"
CSV: Final = "text/csv"
HTML: Final = "text/html"
PARQUET: Final = "application/vnd.apache.parquet"
ARROW: Final = "application/vnd.apache.arrow.file"
FILES: Final = {CSV: "csv", PARQUET: "parquet", ARROW: "arrow"}
"""Forms of a whole table, and what their files end in."""


def json_answer(request: Request, content: bytes) -> Response:
    """Return JSON, or that the client has it already."""
    tag = _tag(content)
    return unchanged(tag) if is_known(request, tag) else Response(content, media_type=JSON, headers=_headers(tag))


def table_file(table: pa.Table, form: str, name: str, tag: str) -> Response:
    """Return a table as a file of that form and name."""
    content = {CSV: table_to_csv, PARQUET: table_to_parquet, ARROW: _arrow_file}[form](table)
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{FILES[form]}"'}
    return Response(content, media_type=form, headers={**_headers(tag), **disposition})


def rows_answer(content: dict[str, Any], tag: str) -> Response:
    """Return JSON of a stored run under its tag."""
    return Response(to_json(content), media_type=JSON, headers=_headers(tag))


def page(content: str, tag: str) -> Response:
    """Return HTML of a stored run under its tag."""
    return Response(content, media_type=HTML, headers=_headers(tag))


def to_json(content: dict[str, Any]) -> bytes:
    """Return values, dataclasses among them, as JSON; NaN as null."""
    return orjson.dumps(content)


def unchanged(tag: str) -> Response:
    """Return that the client has the answer of this tag already."""
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=_headers(tag))


def stored_tag(request: Request, run: StoredRun, form: str = JSON) -> str:
    """Return the tag of an answer that depends on nothing but a run, the question and the code."""
    created = run.manifest.created_utc.isoformat()
    return _tag(repr((code_version(), run.run_id, created, request.url.path, request.url.query, form)).encode())


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has the answer of this tag."""
    given = [known.strip() for line in request.headers.getlist("if-none-match") for known in line.split(",")]
    return tag in given or "*" in given


def preferred(request: Request, forms: Sequence[str]) -> str:
    """Return the form the client likes best; among equals, the first.

    Raises
    ------
    HTTPException
        406: it likes none of them.
    """
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    wanted = {form: _liking(form, ranges) for form in forms}
    best = max(forms, key=lambda form: wanted[form])
    if wanted[best] <= 0:
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"`Accept` is {accept!r}; this comes as {', '.join(forms)}")
    return best


def _range(part: str) -> tuple[str, float]:
    """Return a media range of an Accept header and its weight; a weight that is none counts as 0."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return media, float(weights[0]) if weights else 1.0
    except ValueError:
        return media, 0.0


def _liking(form: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight of a form: that of the range which names it most closely."""
    for name in (form, f"{form.split('/', maxsplit=1)[0]}/*", "*/*"):
        weights = [weight for media, weight in ranges if media == name]
        if weights:
            return max(weights)
    return 0.0


def _arrow_file(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.unify_dictionaries())
    return bytes(sink.getvalue())


def _headers(tag: str) -> dict[str, str]:
    return {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }


def _tag(content: bytes) -> str:
    """Return a tag; a weak one, since gzip sends other bytes of the same content."""
    return f'W/"{blake2b(content, digest_size=16).hexdigest()}"'


@cache
def code_version() -> tuple[object, ...]:
    """Return what tells the code that answers from any other; slow the first time."""
    return ENGINE_VERSION, package_versions(), git_commit()
