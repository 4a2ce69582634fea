# make demo      the main job on a sample clip: out/demo.mp4 and out/demo.png
# make test      everything that is not slow, with formatting, lint and types
# make test-all  all tests
# make fuzz      ten thousand spoiled files of every kind, and commands killed at random moments
# make test-browser  the live pages and the player in Chromium, which must be installed
# make pictures  docs/demo.jpg anew
# make mascot    the avatar that ships, mascot.vrm, from the code in tools/mascot
# make kernel    the C kernel's library anew, beside its sources
# make player    the player page's WebAssembly, and the page as a static site in build/player
# make wheels    the wheels of all systems, in dist/
# make docs      the documentation site, in build/docs; a warning is an error
# make bench     the measurements that the pages quote, into out/bench.json: BENCH="pose scene" runs only these
# make bench-compare OLD=a.json NEW=b.json   what changed between two of them
# make bench-tables FROM=out/bench.json      the tables of docs/performance.md anew
# make clean     removes what was built

PYTHON ?= python3
TORCH ?= torch==2.13.0

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
INSTALL := $(BIN)/python scripts/install.py $(BIN)/python

# An install compiles these: a change of one calls for another install.
KERNEL_FOLDER := src/dance_now/character/kernel
KERNEL := $(wildcard $(KERNEL_FOLDER)/*.c $(KERNEL_FOLDER)/*.h) $(KERNEL_FOLDER)/kernel_source.py hatch_build.py
TARGETS := x86_64-linux aarch64-linux x86_64-macos aarch64-macos x86_64-windows aarch64-windows

.PHONY: demo pictures mascot test test-all test-browser fuzz check kernel player wheels docs bench bench-compare bench-tables clean

demo: $(VENV)/.base
	$(BIN)/python scripts/demo.py

pictures: demo
	$(BIN)/python -c "import cv2; cv2.imwrite('docs/demo.jpg', cv2.imread('out/demo.png'), [cv2.IMWRITE_JPEG_QUALITY, 85])"

mascot: $(VENV)/.dev
	$(BIN)/python -m tools.mascot src/dance_now/render/avatar/mascot.vrm

test: check
	$(BIN)/python -m pytest

test-all: check $(VENV)/.docs
	$(BIN)/python -m pytest -m "slow or not slow"

# The second half needs DANCE_NOW_DATA and Linux.
fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz/fuzz.py
	@set -e; for command in dance frames pose render train; do \
	    $(BIN)/python tests/fuzz/kill_commands.py $$command; \
	done

test-browser: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow tests/live/web/test_browser.py tests/live/player

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks scripts

kernel: $(VENV)/.created
	@$(INSTALL) --no-deps --editable .

player: $(VENV)/.base
	@$(INSTALL) --group wheels
	$(BIN)/python scripts/player.py build/player

wheels: $(VENV)/.created
	@$(INSTALL) --group wheels
	@set -e; for target in $(TARGETS); do \
	    DANCE_NOW_TARGET=$$target $(BIN)/python -m hatchling build --target wheel --directory dist; \
	done

docs: $(VENV)/.docs player
	$(BIN)/python -m sphinx -b html -W --keep-going -E -q docs build/docs
	@echo build/docs/index.html

# Words after "bench-compare" are its two files, so that they can be given without OLD= and NEW=.
BENCH ?=
OLD ?= $(word 2,$(MAKECMDGOALS))
NEW ?= $(word 3,$(MAKECMDGOALS))
FROM ?= out/bench.json

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/collect.py --output out/bench.json $(BENCH)

bench-compare: $(VENV)/.created
	@$(BIN)/python benchmarks/compare.py $(OLD) $(NEW)

bench-tables: $(VENV)/.created
	$(BIN)/python benchmarks/tables.py $(FROM)

ifeq (bench-compare,$(firstword $(MAKECMDGOALS)))
$(wordlist 2,3,$(MAKECMDGOALS)):
	@:
.PHONY: $(wordlist 2,3,$(MAKECMDGOALS))
endif

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f $(addprefix $(KERNEL_FOLDER)/dance_now_kernel,.so .dylib .dll) src/dance_now/live/web/player/kernel.wasm

$(VENV)/.created:
	@$(PYTHON) -c "" 2>/dev/null || { echo "error: there is no $(PYTHON): install Python 3.11 to 3.13, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'error: dance-now needs Python 3.11 to 3.13, not ' + sys.version.split()[0] + '; run make PYTHON=python3.11')"
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make an environment: install its venv module (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(INSTALL) --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.base: $(VENV)/.created pyproject.toml $(KERNEL)
	@$(INSTALL) --editable .
	@touch $@

# torch goes first: a version that is there already is not replaced by the extras.
$(VENV)/.dev: $(VENV)/.created pyproject.toml $(KERNEL)
	@$(INSTALL) "$(TORCH)"
	@$(INSTALL) --editable ".[train,live]" --group dev
	@touch $@ $(VENV)/.base

$(VENV)/.docs: $(VENV)/.base pyproject.toml
	@$(INSTALL) --group docs
	@touch $@
