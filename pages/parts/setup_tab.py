"""How a run was set up: enough to understand it, and to run it again."""

import streamlit as st

from orb_core.config.load import differences, to_full_yaml, to_yaml
from orb_core.store.stored_run import StoredRun
from pages.parts import computed
from pages.parts.again import again, finding
from pages.parts.downloads import downloads
from pages.parts.frame import LAUNCH
from pages.parts.launching import fill_from
from pages.parts.markup import plain
from pages.parts.report_download import report_download
from pages.parts.settings import by_path

TABLE_ROWS, TABLE_PX = 12, 410
NOTES = 6


def setup_tab(of: StoredRun) -> None:
    """Show what differs from the defaults, the bars, the versions; make it again, download its report."""
    manifest = of.manifest
    changed = differences(of.config)
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Clone into Launch",
            key="run.clone",
            icon=":material/content_copy:",
            help="Takes settings, symbols and dates to Launch, to be changed and run.",
        ):
            fill_from(of)
            st.switch_page(LAUNCH, query_params={"run": of.run_id})
        again(of)
        report_download(of)
        downloads(of)
    finding(of)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Settings that differ from the defaults**")
        if changed:
            st.dataframe(
                [_difference(path, value, default) for path, (value, default) in changed.items()],
                hide_index=True,
                height="content",
                alt="Settings of this run that differ from the defaults",
            )
            st.markdown("**As a file** :gray[· give it to `--config`, or load it on the Launch page]")
            st.code(to_yaml(of.config), language="yaml")
        else:
            st.caption("None: this run used the defaults.")
        with st.expander("All settings (YAML)"):
            st.code(to_full_yaml(of.config), language="yaml")
    with right:
        _bars(of)
        st.markdown("**Made by**")
        versions = {
            "Engine": manifest.engine_version,
            "Commit": (manifest.git_commit or "none")[:12],
            **manifest.packages,
        }
        st.dataframe(
            [{"What": name, "Version": version} for name, version in versions.items()],
            hide_index=True,
            height="content",
            alt="Versions of what computed this run",
        )
        st.caption(
            f"Run {plain(manifest.run_id)} · settings {manifest.config_hash[:12]} · from the {plain(manifest.origin)}"
        )


def _bars(of: StoredRun) -> None:
    """Show which bars each symbol was run on, and what they lack."""
    st.markdown("**Bars** :gray[· warm-up included; missing are those of the run's own sessions]")
    missing: dict[str, int] = {}
    if of.manifest.totals is not None:
        missing = computed.ledger(of).groupby("symbol", observed=True)["missing_bars"].sum().to_dict()
    records = of.manifest.symbols.items()
    st.dataframe(
        [
            {
                "Symbol": symbol,
                "First": f"{record.first_bar:%Y-%m-%d}" if record.first_bar else "",
                "Last": f"{record.last_bar:%Y-%m-%d}" if record.last_bar else "",
                "Days missing": len(record.missing_sessions) if record.status == "complete" else None,
                "Bars missing": missing.get(symbol),
                "Fingerprint": (record.fingerprint or "")[:12],
            }
            for symbol, record in records
        ],
        column_config={
            "Days missing": st.column_config.NumberColumn(help="Sessions of the run without any bar."),
            "Bars missing": st.column_config.NumberColumn(
                format="localized", help="Bars that the sessions of the run lack."
            ),
        },
        hide_index=True,
        height=TABLE_PX if len(records) > TABLE_ROWS else "content",
        placeholder="–",
        alt="Bars of each symbol, what they lack, and their fingerprint",
    )
    said = [
        text
        for symbol, record in records
        for text in ([f"{symbol} failed: {record.error}"] if record.error else record.warnings)
    ]
    not_run = [symbol for symbol, record in records if record.status == "cancelled"]
    for text in [*said[:NOTES], *([f"Not run: {', '.join(not_run)}"] if not_run else [])]:
        st.caption(f"{plain(text)}.")
    if len(said) > NOTES:
        st.caption(f"And {len(said) - NOTES} more, with the warnings on the Overview.")


def _difference(path: str, value: object, default: object) -> dict[str, str]:
    setting = by_path().get(path)
    if setting is None:
        return {"Setting": path, "This run": str(value), "Default": str(default), "Key": path}
    return {"Setting": setting.title, "This run": setting.say(value), "Default": setting.say(default), "Key": path}
