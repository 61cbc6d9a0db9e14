"""What a run says about itself: `run.json`, and the notes people add to it in `notes.json`."""

import json
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StrictInt, ValidationError

from orb_core.errors import DamagedRunError

SCHEMA_VERSION: Final = 1
"""Of the files of a run; one more whenever a reader of the old ones would misread the new."""


class _Stored(BaseModel):
    """A part of a JSON file: what an older version of the same schema lacks has a default, what it had more is left."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Totals(_Stored):
    """The figures a list of runs shows. None where undefined; `*_r` in multiples of the initial risk.

    `total_r_conservative` and `total_r_optimistic` come from two full runs, one under each policy for unclear fills.
    """

    trades: int
    win_rate: float | None
    total_r: float | None
    average_r: float | None
    sharpe: float | None
    max_drawdown_r: float | None
    total_r_conservative: float | None
    total_r_optimistic: float | None

    @classmethod
    def of(cls, metrics: dict[str, Any]) -> Self:
        """Pick the totals out of a summary's metrics."""
        return cls.model_validate({"trades": metrics["total_trades"], **metrics})


class SymbolRecord(_Stored):
    """How one symbol of a run went.

    Attributes
    ----------
    status : str
        `complete`, `failed` (`error` says why) or `cancelled` (it was not reached).
    missing_sessions : tuple of date
        Sessions of the run, the warm-up apart, that no bars were to be had of; `warnings` say why.
    bars : dict
        The bars the backtest read, warm-up included: calendar month (UTC) → SHA-256 of its chunk, in time order.
    fingerprint : str or None
        SHA-256 of the list of those.
    """

    status: Literal["complete", "failed", "cancelled"]
    error: str | None = None
    warnings: tuple[str, ...] = ()
    missing_sessions: tuple[date, ...] = ()
    first_bar: datetime | None = None
    last_bar: datetime | None = None
    bars: dict[str, str] = {}
    fingerprint: str | None = None
    totals: Totals | None = None


def _of_a_kind(source: dict[str, Any]) -> dict[str, Any]:
    if isinstance(source.get("kind"), str):
        return source
    raise ValueError("the source names no kind")


class Manifest(_Stored):
    """`run.json`: everything a list of runs needs to know about one of them.

    Attributes
    ----------
    status : str
        `complete`, `partial` (some symbols failed), `failed` (all did) or `cancelled`.
    source : dict
        The `SourceSpec` the bars came from; `kind` is always among it.
    changed : dict
        Settings that differ from defaults.yaml: dotted path → value.
    warnings : tuple of str
        About the run as a whole; those of one symbol are in its record.
    totals : Totals or None
        Of all symbols together; None if none could be run.
    equity_r : tuple of float
        Cumulative R after each trade, thinned to at most 60 points, for a sparkline.
    rerun_of : str or None
        The run this one repeats.
    """

    run_id: str
    created_utc: datetime
    status: Literal["complete", "partial", "failed", "cancelled"]
    schema_version: StrictInt
    symbols: dict[str, SymbolRecord]
    start: date
    end: date
    source: Annotated[dict[str, Any], AfterValidator(_of_a_kind)]
    interval: str
    config_hash: str
    changed: dict[str, Any]
    engine_version: str
    packages: dict[str, str]
    git_commit: str | None
    origin: str
    rerun_of: str | None
    seconds: dict[str, float]
    warnings: tuple[str, ...]
    totals: Totals | None
    equity_r: tuple[float, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """Return what decides a run's results: two complete runs with equal ones have the same."""
        bars = tuple((symbol, record.status, record.fingerprint) for symbol, record in self.symbols.items())
        return self.config_hash, self.start, self.end, self.source["kind"], self.engine_version, bars

    @property
    def failures(self) -> dict[str, str]:
        """Return why each failed symbol failed."""
        return {symbol: record.error or "" for symbol, record in self.symbols.items() if record.status == "failed"}


class Notes(_Stored):
    """`notes.json`: the one part of a run that people change. Text is shown as text, never as markup."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    starred: bool = False


def read_manifest(folder: Path) -> Manifest:
    """Return a run folder's manifest.

    Raises
    ------
    DamagedRunError
        There is no run.json, or it is not one this version can read.
    """
    path = folder / "run.json"
    text = _read(path)
    with suppress(ValidationError):  # of a list of a thousand; what is wrong with one of them is found out below
        manifest = Manifest.model_validate_json(text)
        if manifest.schema_version <= SCHEMA_VERSION:
            return manifest.model_copy(update={"run_id": folder.name})
    content = _json_object(text, path)
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DamagedRunError(
            f"{folder.name} was saved by a newer ORB Confluence (schema_version {version}; this one reads up to "
            f"{SCHEMA_VERSION}): open the run with the version that saved it"
        )
    try:
        return Manifest.model_validate({**content, "run_id": folder.name})
    except ValidationError as error:
        wrong = ", ".join(dict.fromkeys(str(problem["loc"][0]) for problem in error.errors()[:3]))
        raise DamagedRunError(f"{folder.name}/run.json is not that of a run: {wrong} missing or wrong") from error


def read_notes(folder: Path) -> Notes:
    """Return a run folder's notes; without a notes.json there are none.

    Raises
    ------
    DamagedRunError
        notes.json cannot be read.
    """
    if not (folder / "notes.json").exists():
        return Notes()
    try:
        return Notes.model_validate(read_json(folder / "notes.json"))
    except ValidationError as error:
        raise DamagedRunError(f"{folder.name}/notes.json does not hold notes") from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in one of a run's JSON files.

    Raises
    ------
    DamagedRunError
        It is missing, cannot be read, or holds something else.
    """
    return _json_object(_read(path), path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedRunError(f"{path.parent.name} has no {path.name}: it is not a run, or not all of one") from error
    except OSError as error:
        raise DamagedRunError(f"{path.parent.name}/{path.name} cannot be read: {error.strerror}") from error


def _json_object(text: bytes, path: Path) -> dict[str, Any]:
    content = None
    with suppress(ValueError):
        content = json.loads(text)
    if not isinstance(content, dict):
        raise DamagedRunError(f"{path.parent.name}/{path.name} is damaged, or was copied only in part")
    return content
