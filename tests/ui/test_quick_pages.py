import streamlit as st


def test_no_click_ends_with_every_session_waiting_for_a_collection_of_garbage():
    assert st.get_option("runner.postScriptGC") is False
