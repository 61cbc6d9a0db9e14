"""The archive of fetched sessions on the command line: `python -m orb_core.data update SPY QQQ`.

Exit 0 when all is well, 1 on any error or damage, 2 on wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

    from orb_core.data.day_archive import DayArchive, DayKey

INTERRUPTED = 130
INTERVALS = ("1m", "2m", "5m", "15m", "30m")


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments ask for, and return the exit code."""
    options = command_line().parse_args(arguments)
    from loguru import logger

    from orb_core.errors import OrbError

    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level}: {message}")
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except OrbError as error:
        logger.error(str(error))
        return 1


def update(options: argparse.Namespace) -> int:
    """Fetch what Yahoo has and the archive lacks."""
    from loguru import logger
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from orb_core.config.load import load_config
    from orb_core.data.yahoo import YahooSource
    from orb_core.errors import DataError, RateLimitError

    config = load_config(options.config, overrides=options.set)
    source = YahooSource(config, options.cache_dir)
    wanted = [(symbol, options.interval or config.data.interval) for symbol in symbols(options)]
    if not wanted:  # keep growing what is there
        archived = dict.fromkeys((key.symbol, key.interval) for key in source.archive.entries())
        wanted = [of for of in archived if options.interval in {None, of[1]}]
    if not wanted:
        raise DataError(f"the archive {source.archive.folder} is empty; name symbols to begin with, such as SPY QQQ")
    console = Console(highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("sessions"))
    failures = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for symbol, interval in wanted:
            task = progress.add_task(f"{symbol} {interval}", total=None)

            def show(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total)

            updated = source.update(symbol, interval, options.start, options.end, show)
            progress.remove_task(task)
            said = f"{counted(updated.with_bars)} fetched" if updated.asked else "nothing new to fetch"
            missing = f", {len(updated.missing)} without bars" if updated.missing else ""
            console.print(f"{symbol} {interval}: {said}{missing}")
            if updated.failure:
                failures += 1
                logger.error("{} {}: {}", symbol, interval, updated.failure)
            if isinstance(updated.failure, RateLimitError):
                break
    return 1 if failures else 0


def list_(options: argparse.Namespace) -> int:
    """Show what is archived."""
    from rich.console import Console
    from rich.table import Table

    from orb_core.data.day_archive import DayArchive

    archive = DayArchive(options.cache_dir / "archive")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Symbol", "Interval", "First", "Last", "Sessions", "Complete", "Empty", "Bars"):
        table.add_column(title, no_wrap=True)
    for (symbol, interval), keys in by_symbol(chosen(archive, options)):
        dates = {key.session_date for key in keys}
        days = [day for day in archive.coverage(symbol, interval) if day.session_date in dates]
        if days:
            table.add_row(
                symbol,
                interval,
                str(days[0].session_date),
                str(days[-1].session_date),
                str(len(days)),
                str(sum(day.is_complete for day in days)),
                str(sum(not day.bars for day in days)),
                f"{sum(day.bars for day in days):,}",
            )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table if table.row_count else f"Nothing is archived in {archive.folder}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Read everything, and set aside what is damaged."""
    from rich.console import Console

    from orb_core.data.day_archive import DayArchive

    archive = DayArchive(options.cache_dir / "archive")
    archive.check()
    console, damaged, sound = Console(highlight=False, soft_wrap=True), 0, 0
    for (symbol, interval), keys in by_symbol(chosen(archive, options)):
        dates = [key.session_date for key in keys]
        read = archive.read(symbol, interval, dates)
        sound += len(read)
        for day in dates:
            if day not in read:
                damaged += 1
                console.print(f"{symbol} {interval} {day}: damaged, and set aside in {archive.folder / 'damaged'}")
    console.print(f"Sound: {counted(sound)}; damaged: {damaged}")
    if damaged:
        console.print("`python -m orb_core.data update` fetches again what Yahoo still has of them")
    return 1 if damaged else 0


def remove(options: argparse.Namespace) -> int:
    """Forget archived sessions."""
    from rich.console import Console

    from orb_core.data.day_archive import DayArchive
    from orb_core.errors import DataError

    archive = DayArchive(options.cache_dir / "archive")
    keys = chosen(archive, options)
    console = Console(highlight=False, soft_wrap=True)
    if not keys:
        raise DataError(
            f"nothing like that is archived in {archive.folder}; `python -m orb_core.data list` shows what is"
        )
    what = ", ".join(f"{counted(len(part))} of {symbol} {interval}" for (symbol, interval), part in by_symbol(keys))
    if not options.yes and not is_confirmed(f"Remove {what}? Yahoo may no longer have them. [y/N] "):
        console.print("Nothing was removed")
        return 1
    console.print(f"Removed {counted(archive.remove(keys))}")
    return 0


def counted(sessions: int) -> str:
    """Return a number of sessions in words."""
    return f"{sessions} session{'' if sessions == 1 else 's'}"


def is_confirmed(question: str) -> bool:
    """Ask, and return whether the answer is yes. Nobody there to answer is a no."""
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def symbols(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the symbols as they are named, none if there are none."""
    from orb_core.config.symbols import normalize_symbols

    return normalize_symbols(options.symbols).symbols if options.symbols else ()


def chosen(archive: DayArchive, options: argparse.Namespace) -> list[DayKey]:
    """Return the archived sessions the options mean, in order."""
    from orb_core.config.load import load_config
    from orb_core.data.yahoo import YahooSource

    config = load_config(options.config, overrides=options.set)
    tickers = {YahooSource(config, options.cache_dir).ticker(symbol) for symbol in symbols(options)}
    first, last = options.start or date.min, options.end or date.max
    return [
        key
        for key in archive.entries()
        if (not tickers or key.symbol in tickers)
        and options.interval in {None, key.interval}
        and first <= key.session_date <= last
    ]


def by_symbol(keys: list[DayKey]) -> Iterator[tuple[tuple[str, str], list[DayKey]]]:
    """Yield the keys of each symbol and interval."""
    for of, part in groupby(keys, key=lambda key: (key.symbol, key.interval)):
        yield of, list(part)


def command_line() -> argparse.ArgumentParser:
    """Return the commands with their options and help."""
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--interval", choices=INTERVALS, help="length of a bar (default of update: the configuration's)")
    which.add_argument("--start", type=day, metavar="DATE", help="first session date (default: all there is)")
    which.add_argument("--end", type=day, metavar="DATE", help="last session date, included")
    which.add_argument("--config", type=Path, metavar="PATH", help="YAML file with calendar and instruments")
    which.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="such as session.calendar=24/7")
    cache = Path(os.environ.get("ORB_CACHE_DIR") or "cache")
    which.add_argument("--cache-dir", type=Path, metavar="PATH", default=cache, help="default: cache/")
    parser = argparse.ArgumentParser(
        prog="python -m orb_core.data", description="The archive of sessions fetched from Yahoo."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command, least, said in (
        ("update", update, "*", "fetch what is missing: of these symbols, or of all archived ones"),
        ("list", list_, "*", "show what is archived"),
        ("verify", verify, "*", "read everything, and set aside what is damaged"),
        ("remove", remove, "+", "forget sessions"),
    ):
        added = commands.add_parser(name, parents=[which], help=said, description=f"{said.capitalize()}.")
        added.add_argument("symbols", nargs=least, metavar="SYMBOL", help="such as SPY, ES=F, BTC-USD")
        added.set_defaults(command=command)
        if command is remove:
            added.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def day(text: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; give one like 2024-01-31") from None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
