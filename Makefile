# Each command does all its own set-up, in $(VENV). Python 3.11 or later, with its venv module.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
CORE = oauth2/__init__.py,oauth2/_version.py,oauth2/errors.py,oauth2/generate.py,oauth2/encoding.py,oauth2/parameters.py,oauth2/credentials.py,oauth2/received.py,oauth2/signature.py,oauth2/stores/__init__.py,oauth2/request.py,oauth2/server.py,oauth2/flow.py,oauth2/outgoing.py

.PHONY: help demo test lint types clean

help:
	@echo "make demo   the example server and client, over loopback"
	@echo "make test   the whole test suite, and the coverage of the core"
	@echo "make lint   style;  make types   types;  make clean   forget the set-up"

demo: $(VENV)/ready
	@$(BIN)/python example/demo.py

test: $(VENV)/ready
	@rm -f .coverage.*
	$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include=$(CORE) --fail-under=100

lint: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/ready
	$(BIN)/mypy

$(VENV)/ready: setup.cfg pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf .venv* build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
