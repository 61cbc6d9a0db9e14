"""What a run came to, on one screen: the same on Launch and on the run's own page."""

import re
import textwrap
from collections.abc import Sequence

import streamlit as st

from orb_core.analytics.headline import Figure, cautions, headline
from orb_core.analytics.metric_groups import Metric, metric_groups
from orb_core.analytics.remarks import NO_TRADES
from orb_core.analytics.words import counted, number
from orb_core.charts import equity_figure
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, computed
from pages.parts.equity_view import drops, equity_view
from pages.parts.frame import RUN, is_dark
from pages.parts.markup import plain
from pages.parts.run_words import bars_text, is_made_up, long_title_text, missing_days, source_text, symbols_text
from pages.parts.tables import endings_table, r_column, reasons_table, symbols_columns, symbols_table

CHART_PX = 330
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": True}
FEW_SYMBOLS = 4
ROWS_BESIDE_CHART = 9
MOST_REASONS = 12
LINE = 100
"""Letters of a warning that stand in one line on a small screen."""


def screen(of: StoredRun) -> None:
    """Show a run's result on the Launch page, with the ways into it."""
    heading(of)
    overview(of)
    with st.container(horizontal=True, gap="small"):
        has_trades = of.manifest.totals is not None and of.manifest.totals.trades > 0
        if has_trades and st.button("Show trades", key="result.trades", icon=":material/table_rows:"):
            open_run(of, "Trades")
        if (
            of.symbols
            and not has_trades
            and st.button("Show days", key="result.days", icon=":material/calendar_month:")
        ):
            open_run(of, "Days")
        if st.button("Open run", key="result.open", icon=":material/open_in_new:"):
            open_run(of)


def heading(of: StoredRun) -> None:
    """Name the run: symbols, what is special about it, dates; below, what it was run on and how."""
    manifest = of.manifest
    made_up = " :orange-badge[Made-up prices]" if is_made_up(manifest) else ""
    named = " · ".join(
        (symbols_text(manifest), long_title_text(manifest, of.notes, of.config), f"{manifest.start} → {manifest.end}")
    )
    missing = missing_days(manifest)
    partly = " :orange-badge[Some days have no bars]" if missing else ""
    st.markdown(f"#### {plain(named)}{made_up}{partly}", help=plain("; ".join(missing)) or None)
    st.caption(plain(" · ".join(_about(of))))


def _about(of: StoredRun) -> list[str]:
    manifest, config = of.manifest, of.config
    said = [bars_text(manifest)] if is_made_up(manifest) else [source_text(manifest), bars_text(manifest)]
    if manifest.totals:
        metrics = cached.metrics(of)
        idle = metrics["sessions"] - metrics["sessions_traded"]
        said.append(f"{counted(metrics['sessions'], 'day')}, {number(idle, 0)} without a trade")
    first = "stop" if config.execution.ambiguity == "conservative" else "target"
    said.append(f"{first} first where a bar is unclear")
    free = config.costs.commission_per_unit == config.costs.commission_pct == config.costs.slippage_ticks == 0
    return [*said, "no costs" if free else "costs on", "1 R = what the trade risked, entry to stop"]


def overview(of: StoredRun, extra: Sequence[Figure] = ()) -> None:
    """Show the headline, the worst warning, equity beside the symbols; with `extra`, all its views as well."""
    if of.manifest.totals is None:
        _nothing_ran(_warnings(of, ()))
        return
    metrics = cached.metrics(of)
    advice = "Mend this, or run without it." if of.manifest.failures else ""
    if metrics["total_trades"] == 0:
        warn([text for text in _warnings(of, ()) if f": {NO_TRADES} " not in text], advice)
        _no_trades(of)
        return
    figures((*headline(metrics, cached.equity(of)), *extra))
    days = (of.manifest.end - of.manifest.start).days + 1
    warn(_warnings(of, cautions(metrics, cached.trades(of), days=days)), advice)
    left, right = st.columns([4, 3], gap="small")
    with left:
        if extra:
            equity_view(of)
        else:
            with st.container(key="result.chart"):
                st.plotly_chart(
                    equity_figure(cached.equity(of), dark=is_dark(), height=CHART_PX),
                    theme=None,
                    key="result.equity",
                    height="stretch",
                    config=CHART_CONFIG,
                    alt=f"Running total of {counted(metrics['total_trades'], 'trade')} in R, above its drawdown",
                )
    with right:
        _symbols(of)


def figures(shown: Sequence[Figure]) -> None:
    """Draw figures as a row of cards."""
    for column, figure in zip(st.columns(len(shown), gap="xsmall"), shown, strict=True):
        with column.container(border=True, height="stretch", gap=None):
            st.metric(figure.label, figure.value, help=plain(figure.meaning))
            st.caption(plain(figure.below))


def details(of: StoredRun) -> None:
    """Show the other metrics in closed groups, each with its range, its count and its formula; then the drops."""
    metrics = cached.metrics(of)
    for title, group in metric_groups(metrics).items():
        part = st.expander(f"{title} · {len(group)}", key=f"result.group.{title}", on_change="rerun")
        if part.open:
            with part, st.spinner("Redrawing the trades…"):
                _group(title, metric_groups(metrics, computed.intervals(of))[title])
    drops(of)


def _group(title: str, group: Sequence[Metric]) -> None:
    st.dataframe(
        [
            {"Metric": m.label, "Value": m.value, "95 %": m.range, "Of": m.of, "How it is computed": m.meaning}
            for m in group
        ],
        column_config={
            "95 %": st.column_config.TextColumn(
                help="Where luck alone could have put it: 10,000 redrawings (bootstrap), from 5,000 trades on the "
                "normal distribution that these then follow."
            ),
            "Of": st.column_config.TextColumn(help="What it is computed from."),
            "How it is computed": st.column_config.TextColumn(width="large"),
        },
        hide_index=True,
        height="content",
        alt=f"{title}: value of each metric, its 95 % range, its count and how it is computed",
    )


def _warnings(of: StoredRun, cautioned: Sequence[str]) -> list[str]:
    manifest = of.manifest
    failed = [f"{symbol} failed: {why}" for symbol, why in manifest.failures.items()]
    if manifest.status == "cancelled":
        missing = [symbol for symbol, record in manifest.symbols.items() if record.status == "cancelled"]
        failed.append(f"Cancelled: {len(missing)} of {len(manifest.symbols)} symbols were not run.")
    noted = [text for record in manifest.symbols.values() for text in record.warnings]
    return [*failed, *manifest.warnings, *cautioned, *noted]


def warn(said: Sequence[str], advice: str = "") -> None:
    """Show the worst warning in a line, with what to do about it; the others, and what it left out, behind a button."""
    if not said:
        return
    line, more = _in_a_line(said[0]), len(said) - 1
    waiting = said[1:] if line == said[0] else said
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":orange[:material/warning:] {plain(f'{_ended(line)} {advice}' if advice else line)}", width="content"
        )
        if waiting:
            with st.popover(f"+{more} more" if more else "In full", type="tertiary"):
                for text in waiting[:MOST_REASONS]:
                    st.markdown(plain(text))
                if len(waiting) > MOST_REASONS:
                    st.caption(f"And {len(waiting) - MOST_REASONS} more.")


def _ended(line: str) -> str:
    return line if line.endswith((".", "…")) else f"{line}."


def _in_a_line(text: str) -> str:
    """Return the first sentence of a warning, as far as a line has room for it."""
    sentence, *rest = re.split(r"(?<=\.) ", text, maxsplit=1)
    return textwrap.shorten(sentence, LINE, placeholder=" …") if rest or len(text) > LINE else text


def _nothing_ran(why: Sequence[str]) -> None:
    with st.container(gap="xsmall"):
        st.markdown("**No symbol could be run.** Mend what is said here, at the left, and run again:")
        for text in why[:MOST_REASONS]:
            st.markdown(f":orange[:material/warning:] {plain(text)}")
        if len(why) > MOST_REASONS:
            st.caption(f"And {len(why) - MOST_REASONS} more like these.")


def _symbols(of: StoredRun) -> None:
    table = symbols_table(of, cached.trades(of))
    few = len(table) <= FEW_SYMBOLS
    st.dataframe(
        table,
        column_config=symbols_columns(),
        column_order=[c for c in table if c != "note" or table["note"].any()],
        hide_index=True,
        height="content" if len(table) <= ROWS_BESIDE_CHART else CHART_PX,
        placeholder="–",
        alt="Trades, win rate and R by symbol",
    )
    if few:
        st.dataframe(
            endings_table(cached.metrics(of)),
            column_config={
                "ended": st.column_config.TextColumn("How trades ended", pinned=True),
                "trades": st.column_config.NumberColumn("Trades", format="%,d"),
                "average": r_column("Per trade", "Average result of a trade."),
                "total": r_column("Total R", "Sum of all trades."),
            },
            hide_index=True,
            height="content",
            alt="Trades and R by how they ended",
        )


def _no_trades(of: StoredRun) -> None:
    st.markdown("**No trade was taken.** This is why:")
    st.dataframe(
        reasons_table(of),
        column_config={
            "count": st.column_config.TextColumn("How often", pinned=True),
            "why": st.column_config.TextColumn("Why"),
            "setting": st.column_config.TextColumn("Setting", help="What decides it, as this run had it."),
        },
        hide_index=True,
        height="content",
        width="content",
        alt="Why no trade was taken",
    )


def open_run(of: StoredRun, tab: str | None = None) -> None:
    """Go to a run's own page."""
    st.switch_page(RUN, query_params={"run": of.run_id, **({"tab": tab} if tab else {})})
