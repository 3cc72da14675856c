PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test deep lint types bench clean

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.core
	$(BIN)/bedside demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m 'not deep and not llm'

deep: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable '.[deep]'
	$(BIN)/python -m pytest -n 2 -m deep

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.encounters
	$(BIN)/python -m benchmarks.chart_tasks
	$(BIN)/python -m benchmarks.patients
	$(BIN)/python -m benchmarks.ehr
	$(BIN)/python -m benchmarks.peer

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist
