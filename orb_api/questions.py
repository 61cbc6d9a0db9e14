"""The parameters that questions share: each bounded, and none unknown."""

import re
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from orb_core.config.symbols import MAX_LENGTH
from orb_core.store.runs import RUN_ID

MOST_ROWS: Final = 1_000
LAST_OFFSET: Final = 10**9

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _only_iso(value: Any) -> Any:
    """Keep pydantic from reading numbers as dates."""
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise ValueError("must be a date such as 2024-01-31")


RunId = Annotated[str, Field(pattern=f"^{RUN_ID.pattern}$", examples=["backtest_20241002_153045"])]
Symbol = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH, examples=["SPY"]), AfterValidator(str.upper)]
Day = Annotated[date, BeforeValidator(_only_iso), Field(examples=["2024-01-02"])]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, examples=[100])]
Offset = Annotated[int, Field(ge=0, le=LAST_OFFSET, examples=[0])]


class Question(BaseModel):
    """Query parameters. One that is not known is refused: a misspelt filter must not look like an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunQuestion(Question):
    """About one run."""

    run_id: RunId


class SymbolQuestion(RunQuestion):
    """About one run, or one symbol of it."""

    symbol: Symbol | None = None
