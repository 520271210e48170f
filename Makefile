# Everything that a person or the CI does. All of it works in .venv, which is made when needed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test e2e check lint types imports api coverage docs bench soak clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/.installed  ## Bring a real environment up and take it down again (KEEP=1 leaves it running)
	@$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

test: .venv/.dev  ## Run the tests, on all cores
	@$(BIN)/python -m pytest -n auto

e2e: .venv/.dev  ## Bring up real hosts by Terraform, SSH and Ansible, and take them down again (as root)
	@$(BIN)/python -m tests.e2e.lab build
	@$(BIN)/python -m pytest -n auto -m e2e

check: lint types imports api coverage  ## Run all checks: style, types, layers, API, and the tests with coverage

lint: .venv/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: .venv/.dev
	@$(BIN)/mypy
	@$(BIN)/pyright

imports: .venv/.dev
	@$(BIN)/lint-imports

api: .venv/.dev  ## Hold the public API against what was promised (ACCEPT=1 promises what there is)
	@for package in statechart environments; do \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes $$package --ignoreexternal >.verifytypes || \
		{ grep -A 2 'error:' .verifytypes; rm -f .verifytypes; echo "$$package: annotate these public names" >&2; exit 1; }; \
	done; rm -f .verifytypes
	@$(BIN)/python tests/api/surface.py $(if $(ACCEPT),--accept)
	@release=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || exit 0; \
	for package in statechart environments; do $(BIN)/griffe check $$package --search . --against $$release || \
		{ echo "$$package: this breaks programs made for $$release; keep it, or raise the version" >&2; exit 1; }; \
	done

coverage: .venv/.dev
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -q -n auto --ignore tests/crash --ignore tests/interruption --ignore tests/e2e \
		-m 'not soak' --chart-coverage --chart-coverage-fail-under=100
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

bench: .venv/.dev  ## Measure, as ratios to the floor found in the same run
	@$(BIN)/python -m pytest -q -s tests/benchmarks/bench_figures.py

docs: .venv/.dev  ## Build the documentation into docs/_build/html, warnings as errors
	@$(BIN)/python docs/generate.py --check || { echo "run: $(BIN)/python docs/generate.py" >&2; exit 1; }
	@$(BIN)/envchart docs check README.md docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

soak: .venv/.dev  ## Run the long form of the tests that kill, fail, reorder and cut the power (an hour or so)
	@$(BIN)/python -m pytest -q -s -m soak --timeout=7200

clean:  ## Remove what was made here
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.* demo-data docs/_build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "envchart needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "no virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }

.venv/.installed: pyproject.toml | .venv/bin/python
	@echo "Installing envchart into .venv ..."
	@$(PIP) install -e .
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	@echo "Installing envchart and its development tools into .venv ..."
	@$(PIP) install -e '.[dev]'
	@touch .venv/.installed $@
