# Every target starts from a bare clone: it makes .venv and installs what it needs. Needs only make and Python.
#   make PYTHON=python3.12 ...   another interpreter (remove .venv first when one exists)
#   make test ARGS="-k carts"    arguments for pytest (test, matrix)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ARGS ?=

# Asked by the shell, after the environment is made: empty when nothing is pinned for its Python.
PINS = $$(pins=constraints/$$($(BIN)/python -c 'import sys; print("py%d%d" % sys.version_info[:2])').txt; \
	test ! -f $$pins || echo --constraint $$pins)

.DEFAULT_GOAL := help
.PHONY: help install demo demo-scale test check chaos mutations bench matrix messages constraints release-check screenshots

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target what; do \
		printf '%-20s %s\n' "$$target" "$$what"; done

install: $(VENV)/.dev-installed ## make .venv with everything for development

demo: $(VENV)/.base-installed ## run the shop, the sandbox and a worker (WEB_PORT, SANDBOX_PORT, ELSEWHERE_PORT, HENRY_API_VERSION, KEEP=1)
	@$(BIN)/python scripts/demo.py

demo-scale: $(VENV)/.scale-installed ## the same on PostgreSQL, Redis, gunicorn, Celery workers and beat
	@$(BIN)/python scripts/demo_scale.py

test: $(VENV)/.dev-installed ## run the whole suite on SQLite and on PostgreSQL, with Redis and Chromium
	@$(BIN)/python scripts/run_tests.py $(ARGS)

check: $(VENV)/.dev-installed ## lint, types, layers, migrations, house rules, docs
	@$(BIN)/python scripts/check.py

chaos: $(VENV)/.dev-installed ## shoppers buy while all around them is killed and cut off; then the count (ARGS="--seconds 60 --seed 7")
	@$(BIN)/python scripts/services.py run -- $(CURDIR)/$(BIN)/python -m tests.chaos $(ARGS)

mutations: $(VENV)/.dev-installed ## take out one lock or fence after the other: does a test notice?
	@$(BIN)/python scripts/services.py run -- $(CURDIR)/$(BIN)/python scripts/mutations.py $(ARGS)

bench: $(VENV)/.dev-installed $(VENV)/.bench-installed ## the benchmarks, as ratios against a floor of the same run (ARGS="--only P1,P3 --quick --write")
	@$(BIN)/python scripts/services.py run -- $(CURDIR)/$(BIN)/python -m benchmarks $(ARGS)

matrix: $(VENV)/.dev-installed ## run the suite on every Python and Django that can run here
	@$(BIN)/python scripts/matrix.py $(ARGS)

messages: $(VENV)/.dev-installed ## take up new messages into the catalogues and compile them; list what is to be translated (ARGS=--check)
	@$(BIN)/python scripts/messages.py $(ARGS)

release-check: $(VENV)/.release-installed ## build wheel and sdist, compare them with the checkout, try them in an empty environment
	@$(BIN)/python scripts/release_check.py

screenshots: $(VENV)/.dev-installed ## renew the pictures of the docs (ARGS="cart order")
	@$(BIN)/python scripts/screenshots.py $(ARGS)

# Resolves everything afresh in a throw-away environment; the file's name follows PYTHON's version.
constraints: ## pin the versions that a clean install takes today: constraints/py3XX.txt
	@$(PYTHON) scripts/pin_constraints.py

# Stamps of their own, so that `make demo` installs the package and its dependencies only.
$(VENV)/.base-installed: pyproject.toml $(wildcard constraints/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Installing the package into $(VENV) ..."
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable . $(PINS)
	@touch $@

$(VENV)/.scale-installed: $(VENV)/.base-installed
	@echo "Installing what the shop scales out with into $(VENV) ..."
	@$(PIP) install --editable . --group scale $(PINS)
	@touch $@

$(VENV)/.dev-installed: $(VENV)/.base-installed
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) install --editable . --group dev $(PINS)
	@touch $@

$(VENV)/.release-installed: $(VENV)/.base-installed
	@echo "Installing what builds and checks a release into $(VENV) ..."
	@$(PIP) install --group release $(PINS)
	@touch $@

# An environment of its own: what the projects that we compare with need must not choose our versions.
$(VENV)/.bench-installed: $(VENV)/.base-installed
	@echo "Installing the projects to compare with into $(VENV)/peers ..."
	@$(VENV)/peers/bin/python -c '' 2>/dev/null || $(BIN)/python -m venv --clear $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check -qq install --upgrade 'pip>=25.1'
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check -qq install --group bench $(PINS)
	@touch $@
