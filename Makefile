# Each command creates its environment in $(VENV), if necessary. Creating an environment requires Python 3.11 or later
# with the module venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= auto
SELECT ?= not alone

# The tests start hundreds of Python processes. With PYTHONDONTWRITEBYTECODE, each process would compile the package
# again.
unexport PYTHONDONTWRITEBYTECODE

# python-oauth2 1.9 has the same package name as this project, so it needs a separate environment.
ELDER = $(VENV)-bench-1.9
BENCH = $(VENV)-bench
BENCH_ARGS ?= --json build/benchmarks.json --chart docs/performance.svg --docs docs/performance.md

# An environment in which each requirement of setup.cfg and pyproject.toml has its lowest allowed version. pip chooses
# the versions of other packages.
OLDEST = $(VENV)-oldest

# The tools that build and check the distributions.
DIST = $(VENV)-dist

# A new environment gets a new pip, because the pip of an older Python cannot install dependency groups (--group).
# PYTHONWARNINGS: setuptools warns of the editable mode "compat", which type checkers need. Without this long warning,
# errors are easier to see. --no-compile: Python compiles a module when it is first imported, and most modules of the
# tools are never imported.
install = PYTHONWARNINGS=ignore $(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile
define new-environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
echo "Setting up $(1) ..."
$(PYTHON) -m venv --clear $(1)
$(call install,$(1)) 'pip >= 25.1'
endef

# The environment that builds the site of the documentation, from the group "docs" of pyproject.toml.
DOCS = $(VENV)-docs
SITE = build/site

# Test files without the marker "slow". pytest imports only these files, because importing the others takes time.
QUICK = $(shell grep -L '^pytestmark = .*pytest\.mark\.slow' tests/test_*.py)

# The quick files, and slow files that also need no server, browser or database: their results can depend on the version
# of Python and on the installation.
PORTABLE = $(QUICK) $(shell grep -l '^pytestmark = .*pytest\.mark\.portable' tests/test_*.py)

# Slow test files that cover further lines of the core, so coverage is measured for them, too.
SLOW_CORE = async_stores diagnoses explanations sqlalchemy_store

# Measuring coverage doubles the time of a test, so coverage is measured for these tests only. These tests must cover
# the core completely.
MEASURED = $(PORTABLE) $(wildcard tests/test_store*.py) $(patsubst %,tests/test_%.py,$(SLOW_CORE))

# Test files that test-oldest leaves out. test_typing.py needs the types of the newest dependencies. The next two files
# install the newest dependencies themselves. test_sqlite_store.py tests code that uses only the standard library.
NOT_OLDEST = typing packaging separate_project sqlite_store
ALONE = $(shell grep -l 'pytest\.mark\.alone' tests/test_*.py)
OTHERS = $(filter-out $(MEASURED),$(wildcard tests/test_*.py))

.PHONY: help demo quick test test-portable test-oldest lint format types generated docs docs-check bench dist test-dist deb test-deb clean

help:
	@echo "While you work (the first command creates the environment .venv in about a minute):"
	@echo "  make quick        run the fast tests, in less than a minute"
	@echo "  .venv/bin/python -m pytest tests/test_request.py     run one file of tests"
	@echo "  .venv/bin/python -m pytest -k nonce                  run the tests whose names contain a word"
	@echo "  make lint         check the style with ruff; make format corrects most findings"
	@echo "  make types        check the types with mypy"
	@echo "  make generated    rewrite the parts of the documents that are made from the code"
	@echo "  make docs         build the site of the documentation in build/site; warnings are errors"
	@echo "  make demo         run the whole flow against the reference provider, over loopback"
	@echo
	@echo "Before you send a change:"
	@echo "  make test         run all tests, and check that the coverage of the core is complete"
	@echo "  .ci/run           run all checks, on every supported Python that this machine has; see CONTRIBUTING.md"
	@echo
	@echo "More:"
	@echo "  make docs-check   build the site, and test its pages in Chromium with axe-core, which npm downloads"
	@echo "  make test-portable  run all tests that need no server, browser or database"
	@echo "  make test-oldest  run the tests with the oldest dependencies that the package allows"
	@echo "  make dist         build the source distribution and the wheel into dist, and check them"
	@echo "  make test-dist    make dist, then make test-portable with the installed wheel"
	@echo "  make deb          build the Debian packages into dist/debian, in a new Debian system (requires root)"
	@echo "  make test-deb     make deb, then install the packages in a new system, run the demo, and upgrade from 1.9"
	@echo "  make bench        compare the speed with other libraries; BENCH_ARGS='--quick sign verify' measures a part"
	@echo "  make clean        remove all files that these commands have created"
	@echo
	@echo "Variables, such as in: make test WORKERS=2"
	@echo "  PYTHON=python3.12   the Python for the environment, 3.11 or later; use another VENV for each Python"
	@echo "  VENV=.venv          the folder of the virtual environment"
	@echo "  WORKERS=auto        number of processes that run tests; auto: one for each processor"
	@echo "  SELECT='not alone'  the tests that make test runs in parallel, as a pytest marker expression"
	@echo "                      (alone: measures time, runs after the other tests; heavy: many processes and databases;"
	@echo "                      slow: not in make quick)"
	@echo
	@echo "Environment variables of the tests. A test is skipped if its database or browser is missing:"
	@echo "  OAUTH2_TEST_POSTGRESQL   default postgresql+psycopg://postgres@127.0.0.1:5432/test"
	@echo "  OAUTH2_TEST_MARIADB      default mysql+pymysql://root@127.0.0.1:3306/test"
	@echo "  OAUTH2_TEST_REDIS        default redis://127.0.0.1:6379/0"
	@echo "  OAUTH2_TEST_CHROMIUM     path of a Chromium; default: the chromium on PATH"
	@echo "  OAUTH2_TEST_NGINX        path of an nginx; default: the nginx on PATH"
	@echo "  OAUTH2_TEST_SITE         folder of the site of the documentation; make docs-check sets it"
	@echo "  OAUTH2_TEST_AXE          path of axe.min.js; default: downloaded with npm"
	@echo "  OAUTH2_TEST_REQUIRE_ALL  if set, a missing database or browser fails the tests instead of skipping them"

demo: $(VENV)/demo
	@$(BIN)/python example/demo.py

quick: $(VENV)/ready
	$(BIN)/python -m pytest -q -m "not alone and not heavy" -n $(WORKERS) --dist worksteal $(QUICK)

test-portable: $(VENV)/ready
	$(BIN)/python -m pytest -q -m "not alone and not heavy" -n $(WORKERS) --dist worksteal $(PORTABLE)

# Tests that measure time run one after another, after all other tests. Parallel processes would change the measured
# times.
test: $(VENV)/ready
	$(BIN)/python -m pytest -m "$(SELECT)" -n $(WORKERS) --dist worksteal --cov --cov-report= $(MEASURED)
	$(BIN)/python -m pytest -m "$(SELECT)" -n $(WORKERS) --dist worksteal $(OTHERS)
	$(BIN)/python -m pytest -m alone $(ALONE)
	$(BIN)/coverage report --include=$$($(BIN)/python -m tools.rows core) --fail-under=100

test-oldest: $(OLDEST)/ready
	$(OLDEST)/bin/python -m pytest -m "not alone and not heavy" -n $(WORKERS) --dist worksteal $(patsubst %,--ignore=tests/test_%.py,$(NOT_OLDEST))

lint: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/ready
	$(BIN)/mypy

generated: $(VENV)/ready
	$(BIN)/python -m tools.documents

docs: $(DOCS)/ready
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/python -m mkdocs --quiet build --site-dir $(SITE)

docs-check: docs $(VENV)/ready
	OAUTH2_TEST_SITE=$(SITE) $(BIN)/python -m pytest -n $(WORKERS) tests/test_docs_site.py

bench: $(BENCH)/ready $(ELDER)/ready
	@$(BENCH)/bin/python -m benchmarks --predecessor $(ELDER)/bin/python $(BENCH_ARGS)

dist: $(DIST)/ready
	$(DIST)/bin/python -m tools.dist
	$(DIST)/bin/twine check --strict dist/*
	$(DIST)/bin/check-wheel-contents dist/*.whl

test-dist: dist $(VENV)/ready
	.ci/installed $(VENV)

deb: dist
	.ci/deb build

test-deb: deb
	.ci/deb try
	.ci/deb autopkgtest

# The demo and the command need only these extras (60 MB). The tools for contributors need ten times as much space.
# They are installed into the same environment when a command needs them.
$(VENV)/demo: setup.cfg pyproject.toml setup.py
	@$(call new-environment,$(VENV))
	@$(call install,$(VENV)) --config-settings editable_mode=compat --editable '.[cli,provider]'
	@touch $@

$(VENV)/ready: $(VENV)/demo
	@echo "Installing the tools for tests in $(VENV) ..."
	@$(call install,$(VENV)) --group dev
	@touch $@

$(OLDEST)/ready: setup.cfg pyproject.toml setup.py .ci/oldest.py
	@$(call new-environment,$(OLDEST))
	@$(OLDEST)/bin/python .ci/oldest.py >$(OLDEST)/constraints.txt
	@$(call install,$(OLDEST)) --constraint $(OLDEST)/constraints.txt --config-settings editable_mode=compat --editable '.[cli,provider]' --group test
	@touch $@

$(DIST)/ready: pyproject.toml
	@$(call new-environment,$(DIST))
	@$(call install,$(DIST)) --group dist
	@touch $@

$(DOCS)/ready: pyproject.toml
	@$(call new-environment,$(DOCS))
	@$(call install,$(DOCS)) --group docs
	@touch $@

$(BENCH)/ready: setup.cfg pyproject.toml setup.py
	@$(call new-environment,$(BENCH))
	@$(call install,$(BENCH)) --editable . --group bench
	@touch $@

$(ELDER)/ready:
	@$(call new-environment,$(ELDER))
	@$(call install,$(ELDER)) oauth2==1.9.0.post1 && touch $@ || echo "python-oauth2 1.9 cannot be installed: it will be reported as not measured"

clean:
	rm -rf .venv* build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
