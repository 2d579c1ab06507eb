# `make demo` and `make test` are all a newcomer needs; both make the environment first if it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo style test test-all test-capabilities test-capability test-lowest coverage mutants simulations
.PHONY: simulate-decide docs lint clean help
.DEFAULT_GOAL := help

# Python keeps what it has compiled, though the machine may ask it not to: the tests start a hundred processes and more,
# each of which would compile torch anew, for seconds. (uv compiles nothing when it installs.)
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make setup     make .venv with the locked dependencies"
	@echo "make demo      train, attack and rank six defences on digits; writes reports/index.html"
	@echo "make test      lint, types and the fast tests"
	@echo "make test-all  the same with the slow tests"
	@echo "make test-capabilities"
	@echo "               what computes, as on processors without AVX2 and without AVX-512"
	@echo "make test-capability ATEN=avx2 ONEDNN=AVX512_CORE"
	@echo "               the same as on one such processor, see docs/platforms.md"
	@echo "make test-lowest"
	@echo "               the fast tests with the oldest versions that pyproject.toml allows, on Python 3.10"
	@echo "make coverage  the fast tests, and which lines they leave out"
	@echo "make mutants   which changes of the code that decides numbers no test notices; hours, and resumable"
	@echo "make simulations"
	@echo "               error rates of the statistics, for docs/statistics*.md; hours, and resumable"
	@echo "make simulate-decide"
	@echo "               how often bench decide and bench estimate are wrong, and what they save"
	@echo "make docs      the documentation as a site, in site/; every warning is an error"
	@echo "make lint      formatting, lint, spelling and types only"
	@echo "make style     the same without types"
	@echo "make clean     remove caches and reports; zoo, results and .venv stay"

setup: .venv/.complete
	@echo ".venv is ready; bench is in .venv/bin"

# The stamp is written last: an interrupted installation is taken up again.
.venv/.complete: requirements.lock pyproject.toml scripts/set_up.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; name one with: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing the locked dependencies into .venv (a minute or two the first time) ..."
	@$(PYTHON) scripts/set_up.py .venv
	@touch $@

demo: .venv/.complete
	@$(BIN)/bench demo

lint: style
	@$(BIN)/mypy

style: .venv/.complete
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/typos

# Each process gets a part of the files at once, and who is done takes from the others: what the tests of a file share is
# made once, and none waits for the last long test.
DEALT := --dist worksteal

# One computing thread per test process: they share the cores among themselves.
test: style
	@$(call with_types,-n auto $(DEALT))

test-all: style
	@$(call with_types,-n auto $(DEALT) -m "slow or not slow")

# The types are looked at meanwhile: one after the other, mypy would leave all cores but one idle for a minute.
with_types = said=$$(mktemp); $(BIN)/mypy > "$$said" 2>&1 & types=$$!; \
	OMP_NUM_THREADS=1 $(BIN)/pytest $(1); tests=$$?; \
	wait $$types; types=$$?; cat "$$said"; rm -f "$$said"; \
	[ $$tests -ne 0 ] || tests=$$types; exit $$tests

# A processor that can do less adds in another order and rounds otherwise. What this one can do, `make test` has tried.
NUMERICAL := $(wildcard $(patsubst %,tests/test_%*.py,attacks models noise processors threats training))

test-capabilities: .venv/.complete
	@OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 $(BIN)/pytest -n auto $(DEALT) $(NUMERICAL)
	@OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(BIN)/pytest -n auto $(DEALT) $(NUMERICAL)

# One cell of the table in docs/platforms.md. An AVX-512 that is not there ends the process: see /proc/cpuinfo first.
ATEN ?= default
ONEDNN ?= SSE41

test-capability: .venv/.complete
	@OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=$(ATEN) ONEDNN_MAX_CPU_ISA=$(ONEDNN) $(BIN)/pytest -n auto $(NUMERICAL)

# Installs anew each time it is asked, which takes uv seconds where nothing has changed.
LOWEST_PYTHON ?= 3.10

test-lowest: .venv/.complete
	@$(BIN)/python scripts/lowest.py .venv-lowest $(LOWEST_PYTHON)
	@OMP_NUM_THREADS=1 .venv-lowest/bin/pytest -n auto

# Slower than the tests alone, and without those that are slow: what is listed, no fast test reaches.
coverage: .venv/.complete
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n auto $(DEALT) --timeout=1200 --cov --cov-report=term-missing:skip-covered --cov-fail-under=90

# docs/mutation.md says what came of it. ONLY=judge takes one group of files, ONLY=--survivors those that no test noticed.
mutants: .venv/.complete
	@nice -n 19 $(BIN)/python scripts/mutants.py .mutants $(ONLY)

# What is in perf/results/simulations.csv and seeds.csv is not computed again.
simulations: export OMP_NUM_THREADS ?= 1
simulations: .venv/.complete
	@nice -n 19 $(BIN)/python perf/simulations.py --write
	@nice -n 19 $(BIN)/python perf/simulate_seeds.py --write

# The tables of docs/deciding.md, and of the demo's ledger if there is one; what was simulated before is kept.
simulate-decide: .venv/.complete
	@OMP_NUM_THREADS=1 $(BIN)/python perf/simulate_decide.py $(if $(wildcard results/evaluations),--ledger results)

# What the pages' scripts write from the code, the tests compare; this makes the site of what is there.
docs: .venv/.complete
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# What took computing time to make, zoo/ and results/, is left to its owner to delete.
clean:
	@rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@git clean -fdXq reports
