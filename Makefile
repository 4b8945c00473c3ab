.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTHON ?= python3

.PHONY: help install run test check format bench clean
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; choose one with: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: $(STAMP) ## set up the virtual environment
	@$(PY) -m local.azurite --install

run: install ## everything on this machine, with a living tenant (ARGS=--auto plays the admin itself)
	@$(PY) -m local.run $(ARGS)

check: install ## lint, formatting and types
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy .

format: $(STAMP) ## let ruff put the files in order
	@$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

test: check ## every test
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

bench: install ## measure the speed against the bare cost of the same work
	@$(PY) -m tests.bench $(ARGS)

clean: ## remove what make created
	rm -rf $(VENV) .local local/azurite/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
