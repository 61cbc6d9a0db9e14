"""The app: its pages and their menu. `make app`, or `streamlit run streamlit_app.py`."""

import streamlit as st

from pages.parts.ahead import loading

if __name__ == "__main__":  # Streamlit runs this file for each look at the app
    from pages.parts.frame import menu

    menu().run()
else:  # and imports it once, to start the server
    app = st.App(__file__, lifespan=loading)
