# Two commands: `make chat` sets everything up and answers a question about a picture; `make test` runs all checks.
PYTHON ?= python3
BIN := .venv/bin
PICTURE ?= examples/sign.png
QUESTION ?= What does the sign say?

.PHONY: chat test lint types layers unit install install-dev fonts

chat: install
	$(BIN)/internvl chat $(PICTURE) -q "$(QUESTION)"

test: install-dev lint types layers unit

install:
	@$(PYTHON) scripts/install.py

install-dev:
	@$(PYTHON) scripts/install.py --dev

# The recipe of the embedded model draws with installed fonts; its tests on fresh pictures are skipped without them.
FONTS := fonts-dejavu-core fonts-liberation fonts-lato fonts-open-sans fonts-noto-cjk fonts-wqy-microhei
fonts:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(FONTS) >/dev/null; \
	else echo "install these fonts by hand: $(FONTS)"; fi

lint:
	$(BIN)/ruff check src tests recipes benchmarks scripts
	$(BIN)/ruff format --check src tests recipes benchmarks scripts

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

unit:
	$(BIN)/python -m pytest
