# make demo      the main job on a sample clip: out/demo.mp4 and out/demo.png
# make test      everything that is not slow, with formatting, lint and types
# make test-all  all tests
# make pictures  docs/demo.png anew
# make mascot    the avatar that ships, mascot.vrm, from the code in tools/mascot
# make bench     the measurements that the README quotes
# make clean     removes what was built

PYTHON ?= python3
TORCH ?= torch==2.13.0

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo pictures mascot test test-all check bench clean

demo: $(VENV)/.base
	$(BIN)/python scripts/demo.py

pictures: demo
	cp out/demo.png docs/demo.png

mascot: $(VENV)/.dev
	$(BIN)/python -m tools.mascot src/dance_now/render/avatar/mascot.vrm

test: check
	$(BIN)/python -m pytest

test-all: check
	$(BIN)/python -m pytest -m "slow or not slow"

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.dev
	@set -e; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.created:
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'dance-now needs Python 3.11 to 3.13, not ' + sys.version.split()[0] + '; run make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.base: $(VENV)/.created pyproject.toml
	$(PIP) install --editable ".[cpu]"
	@touch $@

# torch goes first: a version that is there already is not replaced by the extras.
$(VENV)/.dev: $(VENV)/.created pyproject.toml
	$(PIP) install "$(TORCH)"
	$(PIP) install --editable ".[cpu,train]" --group dev
	@touch $@ $(VENV)/.base
