# Everything starts from a machine that has python3 (3.11 or newer) and make: `make help`.

# the first of these that really runs and is new enough; a launcher without its Python does not count
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
SOURCES := src tests tools $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help demo fault-campaign ledger-campaign test test-spark test-all check format bench install spark messages lock clean
.DELETE_ON_ERROR:

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv/.app ## set up, then show the product on a real supermarket's history
	$(BIN)/regulars demo --serve

test: .venv/.dev ## set up, then run the tests (without slow ones, and those on a cluster)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not spark"

test-spark: .venv/.spark ## the tests on a Spark cluster of this machine (Java comes from the system)
	$(BIN)/python -m pytest -m "not slow and spark"

test-all: .venv/.dev ## every test, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: .venv/.dev ## format, lint, types, layers, documents, lock files
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_project.py tests/test_docs.py

format: .venv/.dev ## format the code and repair what can be repaired
	$(BIN)/ruff check --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

fault-campaign: .venv/.dev ## kill -9 of web server, worker and PostgreSQL amid receipts and jobs: KILLS=300 SEED=7
	$(BIN)/python -m tests.loyalty.faults --kills $(or $(KILLS),300) $(if $(SEED),--seed $(SEED))

ledger-campaign: .venv/.dev ## the ledger against a simple model, N operations (2000000), from a SEED
	$(BIN)/python -m tests.loyalty.campaign --operations $(or $(N),2000000) $(if $(SEED),--seed $(SEED))

bench: .venv/.dev ## measure speed and memory
	$(BIN)/python -m bench

install: .venv/.app ## set up the command .venv/bin/regulars

spark: .venv/.spark ## add the packages that tests on Spark need (Java comes from the system)

messages: .venv/.dev ## collect the strings of the product into the translation catalogue
	$(BIN)/python -m tools.messages

clean: ## remove the environment and the caches
	rm -rf .venv .venv-tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# --- the environment: each stamp is younger than what it was installed from ---

.venv/.python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Regulars needs Python 3.11 or newer; here is: $$($(or $(PYTHON),python3) --version 2>&1)." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. Install it (Debian, Ubuntu: apt install python3-venv) and repeat." >&2; \
		exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.app: requirements/app.txt pyproject.toml | .venv/.python
	@echo "Installing what Regulars needs into .venv (about a minute the first time)"
	$(PIP) install --quiet --require-hashes -r requirements/app.txt
	$(PIP) install --quiet --no-deps -e .
	@touch $@

.venv/.dev: requirements/dev.txt pyproject.toml | .venv/.python
	@echo "Installing what Regulars and its tests need into .venv (about a minute the first time)"
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --no-deps -e .
	@touch $@

.venv/.spark: requirements/spark.txt .venv/.dev
	@echo "Installing Spark into .venv (a large download)"
	$(PIP) install --quiet --require-hashes -r requirements/spark.txt
	@touch $@

# --- the lock files: exact versions and hashes, valid for every platform and Python from 3.11 ---

UV := .venv-tools/bin/uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	$(UPGRADE) pyproject.toml

lock: $(UV) ## renew requirements/*.txt after a change of pyproject.toml (newer versions: make lock UPGRADE=--upgrade)
	$(LOCK) --extra demo --extra server --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra demo --extra server --constraint requirements/dev.txt --output-file requirements/app.txt
	$(LOCK) --extra spark --constraint requirements/dev.txt --output-file requirements/spark.txt

$(UV):
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip --disable-pip-version-check install --quiet uv
