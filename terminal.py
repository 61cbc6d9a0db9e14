"""What the command lines show: panels, bars and colours on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loguru import logger
from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from orb_core.config.symbols import normalize_symbols, some_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from orb_core.service import Progress as Step
    from orb_core.service import RunRequest
    from orb_core.store.manifest import Manifest, SymbolRecord, Totals
    from orb_core.store.runs import RunStore

NOTHING = "-"
NAMES_SHOWN = 8
COLUMNS = ("Trades", "Win Rate", "Total R", "Up To R", "Avg R", "Max DD R", "Sharpe")


class Screen:
    """A terminal, or a stream that only looks like one to the code above it.

    Parameters
    ----------
    quiet : bool
        Only errors are shown.
    verbose : bool
        Debugging lines of the log are shown too.
    to_stderr : bool
        Stdout is left to the result.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False, to_stderr: bool = False) -> None:
        stream = sys.stderr if to_stderr else sys.stdout
        self.console = Console(file=stream, quiet=quiet, highlight=False)
        self.is_plain = not self.console.is_terminal
        level = "ERROR" if quiet else "DEBUG" if verbose else "INFO"
        logger.remove()
        # A traceback is Python's to show, and the log file's to keep.
        logger.add(self._log, level=level, format="{level}: {message}", filter=lambda line: line["exception"] is None)

    def banner(self) -> None:
        """Say what this is."""
        self._panel(Text("ORB Confluence Strategy - Backtest Runner", style="bold"))

    def asked(self, request: RunRequest, run_id: str) -> None:
        """Say what is about to be run."""
        names = normalize_symbols(request.symbols).symbols
        self.say(f"Run ID: {run_id}")
        self.say(f"Symbols: {some_of(names, NAMES_SHOWN)}")
        self.say(f"Sessions: {request.start} to {request.end}, bars of {request.config.data.interval}")
        kind = request.source.kind
        bars = {"synthetic": "made-up prices", "file": str(request.source.path), "yahoo": "Yahoo"}.get(kind, kind)
        self.say(f"Source: {f'stored bars of {request.rerun_of}' if request.rerun_of else bars}")

    def say(self, line: str) -> None:
        """Show a line."""
        self.console.print(Text(line), soft_wrap=True)

    @contextmanager
    def progress(self, symbols: int) -> Iterator[Callable[[Step], None]]:
        """Show how far the work is while it runs; gives what is to be told of each step."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, disable=self.is_plain or self.console.quiet) as bars:
            tasks = {
                "fetch": bars.add_task("Fetching bars", total=symbols),
                "backtest": bars.add_task("Running backtests", total=symbols),
                "save": bars.add_task("Saving the run", total=1),
            }
            yield lambda step: bars.update(tasks[step.step], completed=step.done)

    def summary(self, manifest: Manifest) -> None:
        """Show the results, per symbol and together, and what to know about them."""
        per_symbol = self._table("Per-Symbol Results", ("Symbol", *COLUMNS))
        for symbol, record in manifest.symbols.items():
            per_symbol.add_row(symbol, *_figures(record))
        together = self._table("Aggregated Results", ("Figure", "Value"), show_header=False)
        totals = manifest.totals
        together.add_row("Total Symbols", f"{sum(r.status == 'complete' for r in manifest.symbols.values())}")
        together.add_row("Total Trades", f"{totals.trades if totals else 0:,}")
        together.add_row("Total R", _signed(totals.total_r if totals else None))
        together.add_row("Average R per Trade", _signed(totals.average_r if totals else None))
        lines = [*manifest.warnings, *(line for record in manifest.symbols.values() for line in record.warnings)]
        notes = [Text(f"Note: {line}", style="yellow") for line in lines]
        notes += [Text(f"Failed: {symbol}: {why}", style="red") for symbol, why in manifest.failures.items()]
        if manifest.source["kind"] == "synthetic":
            notes.append(Text("Made-up prices: these figures say nothing about a market.", style="yellow"))
        self._panel(per_symbol, Text(), together, *((Text(), *notes) if notes else ()), title="Backtest Summary")

    def completed(self, manifest: Manifest, store: RunStore, reports: Sequence[Path] = ()) -> None:
        """Say where the run and its report are, and how to look at it."""
        missing = sum(record.status != "complete" for record in manifest.symbols.values())
        without = f" without {missing} of {len(manifest.symbols)} symbols" if missing else ""
        title = {"failed": "Backtest Failed", "cancelled": "Backtest Cancelled"}.get(
            manifest.status, "Backtest Complete"
        )
        self._panel(
            Text(f"Results: {store.path / manifest.run_id}{without}", overflow="fold"),
            Text(f"Run ID: {manifest.run_id}"),
            *(Text(f"Report: {path}", overflow="fold") for path in reports[:1]),
            Text("Look at it: streamlit run streamlit_app.py"),
            title=title,
        )

    def _log(self, line: str) -> None:
        if self.is_plain or self.console.quiet:
            sys.stderr.write(line)
        else:
            self.console.print(Text(line), end="", soft_wrap=True)

    def _panel(self, *content: RenderableType, title: str | None = None) -> None:
        if not self.is_plain:
            self.console.print(Panel(Group(*content), title=title, title_align="left", box=box.ROUNDED))
            return
        for part in (*([Text(), Text(title)] if title else []), *content):
            self.console.print(part, soft_wrap=isinstance(part, Text))

    def _table(self, title: str, columns: Sequence[str], *, show_header: bool = True) -> Table:
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=show_header
        )
        for number, column in enumerate(columns):
            # Only a very long symbol may go over two lines.
            table.add_column(column, justify="right" if number else "left", no_wrap=number > 0, overflow="fold")
        return table


def _figures(record: SymbolRecord) -> list[str]:
    totals = record.totals
    if totals is None:
        return [record.status, *([NOTHING] * (len(COLUMNS) - 1))]
    return [
        f"{totals.trades:,}",
        NOTHING if totals.win_rate is None else f"{totals.win_rate:.1%}",
        _signed(totals.total_r),
        _signed(_best(totals)),
        _signed(totals.average_r),
        _signed(totals.max_drawdown_r),
        _signed(totals.sharpe),
    ]


def _best(totals: Totals) -> float | None:
    """Return the higher of the totals under the two policies for unclear fills."""
    known = [total for total in (totals.total_r_conservative, totals.total_r_optimistic) if total is not None]
    return max(known, default=None)


def _signed(value: float | None) -> str:
    """Write a number in at most ten characters, as long as it is below ten million."""
    if value is None:
        return NOTHING
    return f"{value:+,.2f}" if abs(value) < 10_000 else f"{value:+,.0f}"
