"""The app: its pages and their menu. `make app`, or `streamlit run streamlit_app.py`."""

from pages.parts.frame import menu

menu().run()
