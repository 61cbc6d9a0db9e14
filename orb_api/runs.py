"""Runs: listing, reading, starting, annotating and deleting them."""

import json
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from orb_api import answers
from orb_api.problems import documented
from orb_api.questions import Day, RunId
from orb_api.run_jobs import JobAnswer
from orb_api.run_lines import RunsPage, RunsQuestion
from orb_api.server import Settings, TheServer
from orb_core import service
from orb_core.config.load import config_from_mapping
from orb_core.config.symbols import normalize_symbols
from orb_core.errors import ConfigError
from orb_core.service import RunRequest, SourceSpec
from orb_core.store.manifest import Manifest, Notes

router = APIRouter(tags=["runs"])

MOST_SYMBOLS: Final = 100
DAYS_OF_A_YEAR: Final = 365.25

_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The client has it already"}}

TheRunId = Annotated[RunId, InPath()]


def _only_text(settings: dict[str, Any]) -> dict[str, Any]:
    """Keep out what JSON can say and UTF-8 cannot, and what is nested beyond all reading."""
    try:
        json.dumps(settings, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair, which is no text") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    return settings


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunDetail(Manifest):
    """Everything a run says about itself, and the notes people added."""

    notes: Notes


class RunConfiguration(BaseModel):
    """What a run was asked for: enough to ask for it again."""

    model_config = ConfigDict(extra="allow")

    symbols: list[str]
    start: str
    end: str
    source: dict[str, Any]
    config: dict[str, Any]


class NewSource(_Body):
    """Where bars come from."""

    kind: str = Field(
        default="yahoo",
        pattern="^[a-z][a-z0-9_-]{0,63}$",
        description="yahoo, synthetic, file, or an installed source.",
    )
    path: str | None = Field(
        default=None,
        max_length=200,
        description="Of `file`: a file or folder inside the server's folder of bars; left out, that folder.",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="Of `synthetic`: another series of made-up prices.")
    data_tz: str | None = Field(default=None, max_length=64, description="Of `file`: the clock of stamps naming none.")
    stamp: Literal["open", "close"] | None = Field(
        default=None, description="Of `file`: the end of its bar a stamp is."
    )
    adjust_splits: bool = Field(default=False, description="Adjust the bars before each suspected split.")


class NewRun(_Body):
    """A run to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "symbols": ["SPY"],
                    "start": "2024-01-02",
                    "end": "2024-03-28",
                    "source": {"kind": "synthetic"},
                    "config": {"orb": {"base_minutes": 30}},
                }
            ]
        }
    )

    symbols: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        min_length=1, max_length=MOST_SYMBOLS, description="In the order in which they share the cash."
    )
    start: Day = Field(description="First session date, included.")
    end: Day = Field(description="Last session date, included.")
    source: NewSource = NewSource()
    preset: str | None = Field(default=None, max_length=100, description="A strategy of presets/, or one of your own.")
    config: Annotated[dict[str, Any], AfterValidator(_only_text)] = Field(
        default={}, description="Settings that differ from the preset or the defaults."
    )
    use_cache: bool = Field(default=False, description="Keep fetched bars, and use those kept.")
    run_id: RunId | None = Field(default=None, description="Left out: named after the moment.")
    reuse: bool = Field(default=False, description="Do not save again what is there: answer with that run.")


class NotesChange(_Body):
    """What becomes of a run's notes; what is left out stays. Text is text, never markup."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "OR 30", "tags": ["candidate"], "starred": True}]}
    )

    title: str = Field(default="", max_length=200, description="Empty: none.")
    tags: tuple[Annotated[str, Field(min_length=1, max_length=50)], ...] = Field(default=(), max_length=20)
    note: str = Field(default="", max_length=20_000)
    starred: bool = False


@router.get("/api/runs", response_model=RunsPage, responses=_UNCHANGED)
async def runs(request: Request, question: Annotated[RunsQuestion, Query()], server: TheServer) -> Response:
    """Return the runs, newest first unless another order is asked for, a page at a time."""

    def answer() -> Response:
        content, cursor = server.pages.page(question)
        answer = answers.json_answer(request, content)
        if cursor is not None:
            answer.headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
        return answer

    return await server.quick.run(answer)


@router.get("/api/runs/{run_id}", response_model=RunDetail, responses=_UNCHANGED | documented(404, 409))
async def run(request: Request, run_id: TheRunId, server: TheServer) -> Response:
    """Return everything a run says about itself."""

    def answer() -> Response:
        found = server.store.load(run_id)
        detail = {**found.manifest.model_dump(mode="json"), "notes": found.notes.model_dump(mode="json")}
        return answers.json_answer(request, answers.to_json(detail))

    return await server.quick.run(answer)


@router.get("/api/runs/{run_id}/config", response_model=RunConfiguration, responses=_UNCHANGED | documented(404, 409))
async def configuration(request: Request, run_id: TheRunId, server: TheServer) -> Response:
    """Return what a run was asked for: symbols, dates, source, flags and every setting."""
    return await server.quick.run(
        lambda: answers.json_answer(request, answers.to_json(server.store.load(run_id).request))
    )


@router.post(
    "/api/runs",
    status_code=HTTPStatus.ACCEPTED,
    responses=documented(400, 409, 413, 429),
)
async def start(response: Response, wanted: NewRun, server: TheServer) -> JobAnswer:
    """Start a run. The answer is its job; `Location` leads to it."""

    def checked() -> RunRequest:
        request = _request(wanted, server.settings)
        service.checked(request)  # for what is wrong with it; the run itself mends the symbols, and notes that it did
        server.store.check_can_save(request.run_id)
        return request

    job = server.jobs.start(await server.heavy.run(checked), reuse=wanted.reuse)
    response.headers["Location"] = f"/api/jobs/{job.job.id}"
    return job.answer()


@router.patch("/api/runs/{run_id}", responses=documented(400, 404, 413))
async def annotate(run_id: TheRunId, change: NotesChange, server: TheServer) -> Notes:
    """Change a run's title, tags, note or star."""

    def changed() -> Notes:
        notes = server.store.annotate(run_id, **change.model_dump(exclude_unset=True))
        server.index.look_again()
        return notes

    return await server.quick.run(changed)


@router.delete("/api/runs/{run_id}", status_code=HTTPStatus.NO_CONTENT, responses=documented(404))
async def delete(run_id: TheRunId, server: TheServer) -> None:
    """Delete a run for good, and the bars no other run uses."""
    await server.heavy.run(lambda: server.store.delete(run_id))


def _request(wanted: NewRun, settings: Settings) -> RunRequest:
    years = max((wanted.end - wanted.start).days, 0) / DAYS_OF_A_YEAR
    symbols = len(normalize_symbols(wanted.symbols).symbols)
    if symbols * years > settings.symbol_years:
        raise ConfigError(
            f"{symbols} symbols over {years:.1f} years are more than the {settings.symbol_years:g} "
            "symbol-years one request may ask for; ask for fewer at a time, or use run_backtest.py"
        )
    return RunRequest(
        config=config_from_mapping(wanted.config, "config", preset=wanted.preset),
        symbols=wanted.symbols,
        start=wanted.start,
        end=wanted.end,
        source=_source(wanted.source, settings.data_folder),
        use_cache=wanted.use_cache,
        run_id=wanted.run_id,
        origin="api",
    )


def _source(wanted: NewSource, folder: Path) -> SourceSpec:
    spec = SourceSpec(**wanted.model_dump(exclude={"path"}))
    return replace(spec, path=_inside(folder, wanted.path)) if wanted.kind == "file" else spec


def _inside(folder: Path, named: str | None) -> Path:
    """Return a place inside a folder; links and `..` that lead out of it are refused."""
    if named is None:
        return folder
    if not named.isprintable() or PurePosixPath(named).is_absolute() or ".." in PurePosixPath(named).parts:
        raise ConfigError(f"source.path = {named!r}: must be a path inside the server's folder of bars")
    place = (folder / named).resolve()
    if not place.is_relative_to(folder.resolve()) or not place.exists():
        raise ConfigError(f"source.path = {named!r}: there is no such file or folder in the server's folder of bars")
    return place
