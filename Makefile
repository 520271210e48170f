# Everything that a person or the CI does. All of it works in .venv, which is made when needed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# A virtual environment of another Python than the one that was asked for is replaced.
ifneq ($(origin PYTHON),file)
$(shell [ ! -x $(BIN)/python ] || [ "$$($(PYTHON) -V)" = "$$($(BIN)/python -V)" ] || rm -rf $(VENV))
endif

# Each process of a test loads all modules: without their bytecode, that takes half as long again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help conformance demo test e2e check lint types imports api coverage docs bench soak clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.installed  ## Bring a real environment up and take it down again (KEEP=1 leaves it running)
	@$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

# Tests that kill processes measure nothing: what a killed process had counted is lost with it.
KILLING := tests/crash tests/interruption
# One worker more than there are cores, for many tests wait for processes; a free one takes over tests.
SPREAD := -n $(shell expr $$(nproc) + 1) --dist worksteal
# What a test that follows a whole page, or brings up a real host, may take on a busy machine.
LONG := --timeout=1200
# The only places of tests that are marked e2e: to collect all others as well takes each worker 20 seconds.
E2E := tests/e2e tests/contracts tests/providers/terraform

test: $(VENV)/.dev  ## Run the tests, on all cores (COVERAGE=1 measures what they cover; TESTS='...' chooses)
ifdef COVERAGE
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest $(SPREAD) $(KILLING:%=--ignore %) --chart-coverage --chart-coverage-fail-under=100
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report
	@$(BIN)/python -m pytest $(SPREAD) $(KILLING)
else
	@$(BIN)/python -m pytest $(SPREAD) $(TESTS)
endif

e2e: $(VENV)/.dev  ## Bring up real hosts by Terraform, SSH and Ansible, and take them down again (as root)
	@$(BIN)/python -m tests.e2e.lab build
	@$(BIN)/python -m pytest $(SPREAD) $(LONG) -m e2e $(E2E)

check: lint types imports api coverage  ## Run all checks: style, types, layers, API, and the tests with coverage

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/pyright

imports: $(VENV)/.dev
	@$(BIN)/lint-imports

api: $(VENV)/.dev  ## Hold the public API against what was promised (ACCEPT=1 promises what there is)
	@for package in statechart environments; do \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes $$package --ignoreexternal >.verifytypes || \
		{ grep -A 2 'error:' .verifytypes; rm -f .verifytypes; echo "$$package: annotate these public names" >&2; exit 1; }; \
	done; rm -f .verifytypes
	@$(BIN)/python tests/api/surface.py $(if $(ACCEPT),--accept)
	@release=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || exit 0; \
	for package in statechart environments; do $(BIN)/griffe check $$package --search . --against $$release || \
		{ echo "$$package: this breaks programs made for $$release; keep it, or raise the version" >&2; exit 1; }; \
	done

coverage:
	@$(MAKE) --no-print-directory test COVERAGE=1

bench: $(VENV)/.dev  ## Measure, as ratios to the floor found in the same run
	@$(BIN)/python -m pytest -q -s tests/benchmarks/bench_figures.py tests/benchmarks/bench_store.py

docs: $(VENV)/.dev  ## Build the documentation into docs/_build/html, warnings as errors; follow its pages, run the examples
	@$(BIN)/python docs/generate.py --check || { echo "run: $(BIN)/python docs/generate.py" >&2; exit 1; }
	@$(BIN)/envchart docs check README.md docs
	@$(BIN)/python -m pytest -q $(SPREAD) $(LONG) -m 'site or pages' tests/docs/test_site.py tests/docs
	@echo "docs/_build/html/index.html"

conformance: $(VENV)/.dev  ## Run the suites of W3C and SCION on four engines (ACCEPT=1 writes the page of results)
	@$(BIN)/python -m tests.conformance $(if $(ACCEPT),--accept)

soak: $(VENV)/.dev  ## Run the long form of the tests that kill, fail, reorder and cut the power (an hour or so)
	@$(BIN)/python -m pytest -q -s -m soak --timeout=7200

clean:  ## Remove what was made here
	@rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.* demo-data docs/_build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "envchart needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "no virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing envchart into $(VENV) ..."
	@$(PIP) install -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing envchart and its development tools into $(VENV) ..."
	@$(PIP) install -e '.[dev]'
	@touch $(VENV)/.installed $@
