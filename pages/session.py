"""Session: one day of one symbol, as the strategy saw it. Its address holds run, symbol, date, trade and bar."""

import streamlit as st

from orb_core.charts.session import is_all_in_sight
from orb_core.errors import OrbError
from pages.parts import cached, candles, computed
from pages.parts.day import below, chart, day_of, navigation, sentences, switch
from pages.parts.frame import RUN, RUNS, breadcrumb, enter, stop_with
from pages.parts.markup import plain
from pages.parts.replay import replay
from pages.parts.run_words import missing_days, title_text

enter()

query = st.query_params
if "run" not in query:
    st.switch_page(RUNS)
try:
    day = day_of(query.get("date", ""))
    of = cached.run(query["run"])
    symbol = query.get("symbol", of.symbols[0] if of.symbols else "")
    view = computed.session_view(of, symbol, day)
except OrbError as error:
    stop_with(error)

trades = list(view.trades.itertuples(index=False))
trade = next((t for t in trades if t.trade_id == query.get("trade")), trades[0] if trades else None)
run_query = {"run": of.run_id}
query_left = st.session_state.get("trades.query", {})  # the filters of the trades this came from
breadcrumb(
    ("Runs", RUNS, {}),
    (plain(title_text(of.manifest, of.notes)), RUN, {**run_query, "tab": "Trades", **query_left}),
    here=plain(f"{symbol} {day}"),
)
title, ways = st.columns([2, 3], vertical_alignment="center")
with title:
    made_up = " :orange-badge[Made-up prices]" if view.made_up else ""
    partly = " :orange-badge[Some days of this run have no bars]" if missing_days(of.manifest) else ""
    st.markdown(f"#### {plain(f'{symbol} · {day:%A} {day.day} {day:%B %Y}')}{made_up}{partly}")
with ways, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right", vertical_alignment="center"):
    replaying = switch("replay", off="Replay", on="End replay", icon="movie", shortcut="P", disabled=view.bars.empty)
    whole_day = switch(
        "whole_day",
        off="Whole day",
        on="Part of day",
        icon="width",
        shortcut="W",
        disabled=replaying or view.bars.empty or is_all_in_sight(view, trade),
    )
    navigation(of, view, trade.trade_id if trade else None)
if view.bars.empty:
    st.info(
        "There are no bars of this session, so nothing could be traded. The run's Setup tab says what else is missing.",
        icon=":material/info:",
    )
elif replaying:
    replay(of, view, trade.trade_id if trade else None)
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(sentences(view, trade))
        candles.switch()
    chart(view, trade, key="session.chart", whole_day=whole_day)
    below(of, view, trade)
