# One command per job; `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CLUSTER := $(BIN)/python -m tests.cluster
SOURCES := operator images dags tests
ARGS ?=

# Every pod that a test plays is a Python process, and compiling what MLflow imports costs it 4 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# --- the main job ---------------------------------------------------------------------------------

.PHONY: demo
demo: $(INSTALLED) ## A working system on a real cluster, and the main job on it
	$(BIN)/python -m tests.demo up

.PHONY: demo-down
demo-down: $(INSTALLED) ## Take down what `make demo` started
	$(CLUSTER) down

.PHONY: test
test: $(INSTALLED) ## Every test: unit, chart, integration, e2e
	$(BIN)/python -m tests.run all

.PHONY: check
check: $(INSTALLED) ## Format, lint, types, layers, generated files, unit tests
	$(BIN)/python -m tests.run check

# --- the cluster ----------------------------------------------------------------------------------

.PHONY: cluster
cluster: $(INSTALLED) ## A real Kubernetes node (kind)
	$(CLUSTER) host
	$(CLUSTER) up

.PHONY: images
images: $(INSTALLED) ## Build the images that changed, and load them into the node
	$(CLUSTER) images

.PHONY: kubectl helm
kubectl helm: $(INSTALLED) ## make -s kubectl ARGS="get pods -A"
	@$(CLUSTER) $@ -- $(ARGS)

.PHONY: airflow
airflow: $(INSTALLED) ## make -s airflow ARGS="dags list"
	@$(CLUSTER) kubectl -- -n playground exec deploy/airflow -c scheduler -- airflow $(ARGS)

.PHONY: shell
shell: $(INSTALLED) ## A shell with kubectl, helm and the cluster's kubeconfig
	@$(CLUSTER) shell

.PHONY: ui
ui: $(INSTALLED) ## Open the way to the MLflow and Airflow pages for a browser on this machine
	$(BIN)/python -m tests.demo ui

.PHONY: clean
clean: $(INSTALLED) ## Take the cluster down and drop all caches
	$(CLUSTER) clean
	rm -rf $(VENV) build

# --- development ----------------------------------------------------------------------------------

.PHONY: venv
venv: $(INSTALLED) ## The virtual environment with everything that is needed here

$(INSTALLED): requirements/dev.txt requirements/uv.txt operator/pyproject.toml dags/pyproject.toml images/runtime/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  -e images/runtime -e operator -e dags
	touch $@

.PHONY: format
format: $(INSTALLED) ## Format and mend what a tool can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

.PHONY: generate
generate: $(INSTALLED) ## Write the generated files anew: the CRDs, and the page of their fields
	$(BIN)/python -m mooring_operator.api.crd charts/mooring/crds
	$(BIN)/python -m mooring_operator.api.reference docs/fields.md

LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal --python-version 3.11

.PHONY: lock
lock: $(INSTALLED) ## Lock all dependencies anew, with hashes and without addresses
	for input in requirements/*.in images/*requirements.in images/*/requirements.in tests/services/*/requirements.in; do \
	  $(LOCK) "$$input" -o "$${input%.in}.txt"; done

.PHONY: screenshots
screenshots: $(INSTALLED) ## The pictures in docs/images, taken in a real browser
	MOORING_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/integration/airflow_ui -k real_browser

.PHONY: bench-smoke
bench-smoke: $(INSTALLED) ## The speeds of docs/performance.md, measured on this machine
	$(BIN)/python -m tests.bench.smoke

.PHONY: bench-guard
bench-guard: $(INSTALLED) ## What the guard itself costs, without a cluster
	$(BIN)/python -m tests.bench.guard $(ARGS)

.PHONY: bench-operator
bench-operator: $(INSTALLED) ## The operator with 1,000 workspaces, beside its floor; ARGS="--workspaces 30" is quick
	$(BIN)/python -m tests.bench.operator $(ARGS)

.PHONY: bench-airflow
bench-airflow: $(INSTALLED) ## What Mooring adds to an Airflow task; ARGS="--pairs 3 --mapped 5" is quick
	$(BIN)/python -m tests.bench.airflow $(ARGS)

.PHONY: faults
faults: $(INSTALLED) ## What is lost, and who is told: every fault on real pods; ARGS="--only 'URI empty'" is quick
	$(BIN)/python -m tests.faults $(ARGS)
