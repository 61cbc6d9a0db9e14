"""Text from people and files, kept from being read as markup."""

import re

import streamlit as st

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def plain(text: str) -> str:
    r"""Return Markdown that shows this text as it is: no emphasis, links, colours, icons, HTML or formulas.

    >>> plain("**SPY** :red[!]")
    '\\\\*\\\\*SPY\\\\*\\\\* \\\\:red\\\\[\\\\!\\\\]'
    """
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def complain(sentence: str) -> None:
    """Say, beside a field, what is wrong with it."""
    st.markdown(f":red[:material/error: :small[{plain(sentence)}]]")
