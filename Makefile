# Everything a user types. `make install` comes first in every target; it needs Python 3.11, git and make only.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# Where pip finds torch's CPU build; empty takes the package index's default, which on Linux is the CUDA build (gigabytes).
TORCH_INDEX ?=
DEMO_DIR ?= runs/demo
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q --no-input -c constraints.txt
# One torch thread per process: parallel tests and threads fight for the same cores.
export OMP_NUM_THREADS ?= 1
# No library phones home, neither while testing nor in a demo.
export FLWR_TELEMETRY_ENABLED := 0
export FLWR_DISABLE_UPDATE_CHECK := 1
export FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION := 1
export RAY_USAGE_STATS_ENABLED := 0
export HYDRA_FULL_ERROR := 1

.PHONY: install demo test test-all lint types clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
		|| { echo "found: '$(PYTHON)' is not a Python 3.11 with venv; expected: Python 3.11 (Debian: apt install python3.11-venv); or: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(PIP) -e '.[simulation,dev]'
	touch $(STAMP)

demo: install
	$(BIN)/gmmas-lab demo --out $(DEMO_DIR)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

test: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not process"

test-all: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not process"
	$(BIN)/python -m pytest -m process

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# Only whoever changes the viewer's version needs this, and node; the built script is in the repository.
viewer:
	cd client/reading_room/viewer && npm ci --ignore-scripts --no-fund --no-audit && npm run -s build
