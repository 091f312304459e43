# Two commands: `make chat` sets everything up and answers a question about a picture; `make test` runs all checks.
PYTHON ?= python3
BIN := .venv/bin
PICTURE ?= examples/sign.png
QUESTION ?= What does the sign say?

.PHONY: chat test lint types layers unit install install-dev

chat: install
	$(BIN)/internvl chat $(PICTURE) -q "$(QUESTION)"

test: install-dev lint types layers unit

install:
	@$(PYTHON) scripts/install.py

install-dev:
	@$(PYTHON) scripts/install.py --dev

lint:
	$(BIN)/ruff check src tests recipes benchmarks scripts
	$(BIN)/ruff format --check src tests recipes benchmarks scripts

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

unit:
	$(BIN)/python -m pytest
