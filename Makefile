# Everything a user types. `make install` comes first in every target; it needs Python 3.11, git and make only.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# Where pip finds torch's CPU build; empty takes the package index's default, which on Linux is the CUDA build (gigabytes).
TORCH_INDEX ?=
DEMO_DIR ?= runs/demo
# Of `make bundle`: where to, and the key that signs it (gmmas-coordinator release-key), if any.
BUNDLE_DIR ?= runs/gmmas-bundle
BUNDLE_KEY ?=
# Of `make images`: torch's variant (cpu or cuda), a folder of wheels to take before the index, the base with its digest.
TORCH ?= cpu
WHEELS ?=
PYTHON_IMAGE ?= python:3.11-slim-bookworm
RELEASE := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE := docker build --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --build-arg TORCH=$(TORCH) --build-arg RELEASE=$(RELEASE) \
	--build-arg REVISION=$$(git rev-parse HEAD) $(if $(TORCH_INDEX),--build-arg TORCH_INDEX=$(TORCH_INDEX)) \
	$(if $(WHEELS),--build-context wheels=$(WHEELS))
LOCK := $(BIN)/uv pip compile -q --native-tls --upgrade --python-version 3.11 --generate-hashes --no-annotate --no-header
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

.PHONY: install demo bundle images lock drills test fast test-all lint types audit clean

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

bundle: install
	mkdir -p $(dir $(BUNDLE_DIR))
	$(if $(TORCH_INDEX),PIP_EXTRA_INDEX_URL=$(TORCH_INDEX)) $(BIN)/gmmas-lab bundle --out $(BUNDLE_DIR) $(if $(BUNDLE_KEY),--key $(BUNDLE_KEY))

images:
	$(IMAGE) -f deploy/server.Dockerfile -t gmmas-server:$(RELEASE) .
	$(IMAGE) -f deploy/client.Dockerfile -t gmmas-site:$(RELEASE) .

lock: install
	$(LOCK) pyproject.toml --extra reading-room --extra onboarding --extra export deploy/image/torch.in -c constraints.txt --overrides deploy/image/without_torch.txt \
		-o deploy/image/requirements.txt
	$(LOCK) deploy/image/build.in -c deploy/image/requirements.txt -o deploy/image/requirements-build.txt
	$(LOCK) deploy/image/cuda.in -c deploy/image/requirements.txt --python-platform x86_64-manylinux_2_28 \
		-o deploy/image/requirements-cuda.txt

# Failures played with real processes and network namespaces; needs root, iproute2, nftables, faketime and nginx.
drills: install
	$(BIN)/gmmas-lab drills

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z | xargs -0 -n 600 -P 2 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

# Known weaknesses of locked dependencies. "Error 1": some have one; "Error 3": the advisory service could not be asked
# (make itself ends with 2 in both cases; the program's own code tells them apart).
audit: install
	$(BIN)/python deploy/image/audit.py deploy/image/requirements*.txt

types: install
	$(BIN)/mypy

fast: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not process and not containers"

# mypy works alone on one core for a minute or two; the tests need not wait for it.
test: install
	@$(MAKE) --no-print-directory --jobs 2 lint types fast

# Slow ones and those with processes of their own side by side: the latter wait where the former compute. One engine serves
# all containers, so those come one after the other; only their files are read, since reading all takes half a minute.
test-all: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "(slow or process) and not containers"
	$(BIN)/python -m pytest -m containers $$(grep -rlw containers tests --include='test_*.py')

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# Only whoever changes the viewer's version needs this, and node; the built script is in the repository.
viewer:
	cd client/reading_room/viewer && npm ci --ignore-scripts --no-fund --no-audit && npm run -s build
