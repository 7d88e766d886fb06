# Each command does all its own set-up, in $(VENV). Python 3.11 or later, with its venv module.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= auto
SELECT ?= not alone
CORE = oauth2/__init__.py,oauth2/_version.py,oauth2/errors.py,oauth2/generate.py,oauth2/encoding.py,oauth2/pairs.py,oauth2/authorization.py,oauth2/parameters.py,oauth2/credentials.py,oauth2/received.py,oauth2/signature.py,oauth2/http.py,oauth2/stores/__init__.py,oauth2/stores/records.py,oauth2/stores/nonces.py,oauth2/stores/memory.py,oauth2/request.py,oauth2/server.py,oauth2/flow.py,oauth2/outgoing.py,oauth2/audit.py,oauth2/callback.py,oauth2/problem.py,oauth2/access.py,oauth2/incoming.py,oauth2/issuance.py,oauth2/provider.py,oauth2/middleware/*.py,oauth2/answer.py,oauth2/endpoints.py,oauth2/clock.py,oauth2/exchange.py

# python-oauth2 1.9 has the package name of this project, hence an environment of its own.
ELDER = $(VENV)-bench-1.9
BENCH = $(VENV)-bench
BENCH_ARGS ?= --json build/benchmarks.json --chart docs/performance.svg --docs docs/performance.md

.PHONY: help demo test lint types bench clean

help:
	@echo "make demo   the whole flow against the reference provider, over loopback"
	@echo "make test   the whole test suite, and the coverage of the core"
	@echo "make lint   style;  make types   types;  make clean   forget the set-up"
	@echo "make bench  speed beside other libraries; BENCH_ARGS='--quick sign verify' for a rough look at some of it"

demo: $(VENV)/ready
	@$(BIN)/python example/demo.py

# What measures time runs by itself; all else in as many processes as there are processors.
test: $(VENV)/ready
	$(BIN)/python -m pytest -m "$(SELECT)" -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(BIN)/python -m pytest -m alone
	$(BIN)/coverage report --include=$(CORE) --fail-under=100

lint: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/ready
	$(BIN)/mypy

bench: $(BENCH)/ready $(ELDER)/ready
	@$(BENCH)/bin/python -m benchmarks --predecessor $(ELDER)/bin/python $(BENCH_ARGS)

$(VENV)/ready: setup.cfg pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[test]'
	@touch $@

$(BENCH)/ready: setup.cfg pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	@echo "Setting up $(BENCH) ..."
	@$(PYTHON) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

$(ELDER)/ready:
	@echo "Setting up $(ELDER) ..."
	@$(PYTHON) -m venv --clear $(ELDER)
	@$(ELDER)/bin/python -m pip install --quiet --disable-pip-version-check oauth2==1.9.0.post1 && touch $@ || echo "python-oauth2 1.9 cannot be installed: it will be reported as not measured"

clean:
	rm -rf .venv* build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
