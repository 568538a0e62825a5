# On a machine without a GPU, this one setting takes the small CPU build of torch:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check format golden soak-ingest soak-faults sample docs clean
BENCHES_acl := acl deciders
BENCHES_ingest := embed ingest parsing
BENCHES_redaction := redaction tokens exfiltration injection
BENCHES_retrieval := scifact path excerpts recall search

help: ## list these words
	@grep -E '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/.installed ## the sample company: three people ask, see what is refused and what leaves
	$(BIN)/ntk demo --data .demo

test: .venv/.dev ## run the whole suite
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

check: .venv/.dev ## lint, formatting, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## format the code
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

golden: .venv/.dev ## rewrite the golden files; read the difference before you commit it
	NTK_GOLDEN=1 $(BIN)/python -m pytest -k golden

docs: .venv/.dev ## write the generated reference pages
	$(BIN)/python -m docs.generate

sample: .venv/.dev ## write the documents of the sample company
	$(BIN)/python deploy/sample/make.py

bench-%: .venv/.dev ## measure acl, demo, ingest or retrieval, and renew its tables in docs/benchmarks.md
	set -e; for name in $(or $(BENCHES_$*),$*); do $(BIN)/python -m bench $$name --write; done

soak-ingest: .venv/.dev ## kill ingestion at every step, 200 times, and fill its disk in twenty ways
	NTK_TEST_SOAK=200 $(BIN)/python -m pytest tests/ingest/test_crash.py tests/ingest/test_disk_full.py

soak-faults: .venv/.dev ## cut the power, change everything under load, ask as a crowd: for hours
	NTK_TEST_SOAK=1000 $(BIN)/python -m pytest tests/faults

clean: ## remove what was made here, the virtual environment included
	rm -rf .venv .demo *.egg-info .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch first: only this step looks at another index, so no other package can come from there.
.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX) --no-deps) torch
	$(PIP) --editable .
	touch $@

.venv/.dev: .venv/.installed
	$(PIP) --editable '.[dev]'
	touch $@
