#!/usr/bin/env python
"""Run a backtest from the command line: exit 0 when every symbol was run, 1 on any error, 2 on wrong usage.

Everything heavy is imported once the arguments are known to be good, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orb_core.service import RunRequest, SourceSpec
    from orb_core.store.manifest import Manifest
    from orb_core.store.runs import RunStore
    from terminal import Screen

INTERRUPTED = 130
LOG_NAME = "backtest_run.log"
INTERVALS = ("1m", "2m", "5m", "15m", "30m")


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for, and return the exit code."""
    options = parse(arguments)
    from loguru import logger

    from orb_core.errors import CancelledError, OrbError
    from terminal import Screen

    screen = Screen(quiet=options.quiet, verbose=options.verbose, to_stderr=options.json)
    try:
        with logger.catch(exclude=OrbError, reraise=True, message="A fault of the program itself"):
            manifest = run(options, screen)
    except CancelledError as error:
        logger.warning(str(error))
        return INTERRUPTED
    except OrbError as error:
        logger.error(str(error))
        return 1
    if options.json:
        print(manifest.model_dump_json(indent=2))  # noqa: T201 — what was asked for
    if manifest.status == "cancelled":
        return INTERRUPTED
    return 1 if manifest.failures else 0


def run(options: argparse.Namespace, screen: Screen) -> Manifest:
    """Run a backtest or repeat one, save it and show what came out.

    Raises
    ------
    OrbError
        Nothing was saved.
    """
    screen.banner()
    from orb_core import service
    from orb_core.store.runs import RunStore

    store = RunStore(options.output_dir)
    request = requested(options, store)
    store.check_can_save(request.run_id)
    log_to_file(store)
    screen.asked(request, request.run_id or store.new_run_id(request.created.astimezone()))
    if not service.is_compiled():
        screen.say("Compiling the engine, once: this takes about 20 seconds")
    with stopped_by_ctrl_c() as is_cancelled, screen.progress(len(request.symbols)) as on_progress:
        manifest = service.run_and_save(request, store, on_progress=on_progress, is_cancelled=is_cancelled)
    screen.summary(manifest)
    reports = service.write_reports(store, manifest.run_id) if options.report else ()
    screen.completed(manifest, store, reports)
    return manifest


def requested(options: argparse.Namespace, store: RunStore) -> RunRequest:
    """Return the request the options make.

    Raises
    ------
    OrbError
        The configuration or the symbols are wrong, or there is no run to repeat.
    """
    from orb_core import load_config, service
    from orb_core.config.symbols import normalize_symbols

    if options.rerun:
        again = service.request_again(options.rerun, store)
        return replace(again, run_id=options.run_id, workers=options.workers, origin="cli")
    own_flags = {"data.interval": options.interval, "data.validate_or": options.validate_or}
    config = load_config(
        options.config,
        preset=options.preset,
        overrides=[*options.set, *(f"{path}={value}" for path, value in own_flags.items() if value is not None)],
    )
    normalize_symbols(options.symbols)  # all that is wrong with the request is said before anything is done
    return service.RunRequest(
        config=config,
        symbols=tuple(options.symbols),
        start=options.start,
        end=options.end,
        source=source_of(options),
        use_cache=options.cache,
        cache_dir=options.cache_dir,
        run_id=options.run_id,
        workers=options.workers,
        origin="cli",
    )


def source_of(options: argparse.Namespace) -> SourceSpec:
    """Return where the options say bars come from; Yahoo, if they say nothing."""
    from orb_core.service import SourceSpec

    return SourceSpec(
        options.source or "yahoo",
        path=options.data,
        seed=options.seed or 0,
        data_tz=options.data_tz,
        stamp=options.stamp,
        adjust_splits=options.adjust_splits,
    )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; exits with 2 where it is used wrongly."""
    parser = command_line()
    options = parser.parse_args(arguments)
    if options.rerun:
        given = [name for name in NOT_WITH_RERUN if getattr(options, name) not in (None, False, [])]
        if given:
            parser.error(f"--rerun takes everything from the run it repeats; leave out {', '.join(map(flag, given))}")
        return options
    missing = [name for name in ("symbols", "start", "end") if getattr(options, name) is None]
    if missing:
        parser.error(f"the following arguments are required: {', '.join(map(flag, missing))}")
    check_source(parser, options)
    return options


def check_source(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with 2 where the options about bars contradict each other, or name no source."""
    from orb_core.data.installed import source_names

    if options.source is None and (options.synthetic or options.data):
        options.source = "synthetic" if options.synthetic else "file"
    names = source_names() if options.source else ()
    if options.source and options.source not in names:
        parser.error(f"argument --source: invalid choice: {options.source!r} (choose from {', '.join(names)})")
    if options.synthetic and (options.data or options.source != "synthetic"):
        parser.error("--synthetic makes prices up; leave out --data and any other --source")
    if options.data and options.source != "file":
        parser.error(f"--data reads bars from a file; leave out --source {options.source}")
    if options.source == "file" and not options.data:
        parser.error("--source file needs --data PATH")
    if options.seed is not None and options.source != "synthetic":
        parser.error("--seed belongs to --synthetic")
    if (options.data_tz or options.stamp) and not options.data:
        parser.error("--data-tz and --stamp say how to read --data PATH")


NOT_WITH_RERUN = (
    "symbols",
    "start",
    "end",
    "config",
    "preset",
    "set",
    "interval",
    "validate_or",
    "source",
    "synthetic",
    "seed",
    "data",
    "data_tz",
    "stamp",
    "adjust_splits",
    "cache",
)


def flag(name: str) -> str:
    """Return an option as it is typed."""
    return f"--{name.replace('_', '-')}"


def command_line() -> argparse.ArgumentParser:
    """Return the options, with their help."""
    parser = argparse.ArgumentParser(description="Backtest the Opening Range Breakout strategy and save the run.")
    what = parser.add_argument_group("what to run")
    what.add_argument("--symbols", nargs="+", metavar="SYMBOL", help="one or more, such as SPY QQQ ES=F")
    what.add_argument("--start", type=day, metavar="DATE", help="first session date, such as 2024-01-02")
    what.add_argument("--end", type=day, metavar="DATE", help="last session date, included")
    what.add_argument("--rerun", metavar="RUN_ID", help="repeat a saved run from its own settings and stored bars")
    how = parser.add_argument_group("by which rules")
    how.add_argument("--config", type=Path, metavar="PATH", help="YAML file with what differs from defaults.yaml")
    how.add_argument("--preset", metavar="NAME", help="a strategy of presets/, or one of your own, under --config")
    how.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, such as orb.base_minutes=30"
    )
    how.add_argument(
        "--validate-or",
        nargs="?",
        const="warn",
        choices=("warn", "skip"),
        help="warn of sessions with minutes missing in the opening range, or skip them",
    )
    bars = parser.add_argument_group("on which bars")
    bars.add_argument(
        "--source", metavar="NAME", help="yahoo (the default), synthetic, file, or an installed one (docs/sources.md)"
    )
    bars.add_argument("--synthetic", action="store_true", help="made-up prices, the same every time")
    bars.add_argument("--seed", type=int, metavar="N", help="another series of made-up prices (default: 0)")
    bars.add_argument("--data", type=Path, metavar="PATH", help="a CSV or Parquet file, or a folder of them")
    bars.add_argument("--data-tz", metavar="ZONE", help="clock of stamps that name none, such as America/New_York")
    bars.add_argument("--stamp", choices=("open", "close"), help="which end of its bar a stamp is")
    bars.add_argument(
        "--adjust-splits", action="store_true", help="divide the prices before every gap that looks like a split"
    )
    bars.add_argument("--interval", choices=INTERVALS, help="length of a bar (default: the configuration's, 1m)")
    bars.add_argument("--cache", action="store_true", help="keep fetched bars, and use those kept")
    bars.add_argument("--cache-dir", type=Path, metavar="PATH", default=folder("cache"), help="default: cache/")
    where = parser.add_argument_group("what becomes of it")
    where.add_argument(
        "--output-dir", type=Path, metavar="PATH", default=folder("runs"), help="folder of runs (default: runs/)"
    )
    where.add_argument("--run-id", metavar="ID", help="name of the run (default: the moment it began)")
    where.add_argument("--report", action="store_true", help="also write HTML reports into the run's folder")
    where.add_argument("--workers", type=at_least_1, metavar="N", help="symbols at a time (default: one per core)")
    where.add_argument("--json", action="store_true", help="print the run's manifest, and nothing else, to stdout")
    loudness = where.add_mutually_exclusive_group()
    loudness.add_argument("--verbose", "-v", action="store_true", help="say more")
    loudness.add_argument("--quiet", action="store_true", help="say nothing but errors")
    return parser


def folder(name: str) -> Path:
    """Return the folder of runs or cache where the app has it (orb_core/config/places.py), named from here if below."""
    path = Path(os.environ.get(f"ORB_{name.upper()}_DIR") or Path(__file__).resolve().parent / name)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def day(text: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; give one like 2024-01-31") from None


def at_least_1(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


@contextmanager
def stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl+C end the work in good order, and the second at once; gives what tells whether it came."""
    from loguru import logger

    pressed = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        logger.warning("Stopping once the symbols under way are finished; Ctrl+C again stops at once")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def log_to_file(store: RunStore) -> None:
    """Write everything to the log in the output folder, which is put aside at 10 MB."""
    from loguru import logger

    logger.add(store.path / LOG_NAME, level="DEBUG", rotation="10 MB", retention=5, encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
