# A fresh machine needs Python 3.11 or later and one of: `make app`, `make test`.
# Each sets up what it needs, once; after that nothing is fetched.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
KERNELS := $(wildcard orb_core/*/*_nb.py)
WORKERS ?= auto

.PHONY: app test lint bench screenshots clean
.DELETE_ON_ERROR:

app: $(VENV)/.compiled
	$(RUN) -m streamlit run streamlit_app.py

test: lint $(VENV)/.compiled
	$(RUN) -m pytest -n $(WORKERS)

lint: $(VENV)/.dev
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

bench: $(VENV)-bench/.installed
	$(VENV)-bench/bin/python benchmarks/engine.py
	$(VENV)-bench/bin/python benchmarks/data.py
	$(VENV)-bench/bin/python benchmarks/api.py
	$(VENV)-bench/bin/python benchmarks/pages.py

screenshots: $(VENV)/.dev $(VENV)/.compiled
	$(RUN) -m docs.screenshots

clean:
	rm -rf $(VENV) $(VENV)-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	    v >= (3, 11) or sys.exit(f"This is Python {v[0]}.{v[1]}; 3.11 or later is needed; with another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.txt, once (about a minute) …"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "Installing the packages of requirements-dev.txt, once …"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Two runs on made-up prices use every kernel; numba keeps what it compiled beside the sources.
$(VENV)/.compiled: $(VENV)/.runtime $(KERNELS)
	@echo "Compiling the kernels, once (about 20 seconds) …"
	@for mode in rolling time_of_day; do \
	    $(RUN) run_backtest.py --synthetic --symbols SPY --start 2024-01-02 --end 2024-03-28 --quiet \
	        --set factors.adx.enabled=true --set factors.rel_volume.mode=$$mode \
	        --output-dir $(VENV)/compiling || exit 1; \
	done
	@rm -rf $(VENV)/compiling
	@touch $@

$(VENV)-bench/.installed: requirements-bench.txt
	$(PYTHON) -m venv $(VENV)-bench
	@echo "Installing the packages of requirements-bench.txt, once …"
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
