# The project's commands. `make help` lists them.
# A fresh machine needs python3 with its venv module, and make: whatever else is needed goes into .venv, once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ROOT := $(CURDIR)
BIN := $(ROOT)/.venv/bin
COLLECTIONS := $(ROOT)/.venv/collections
PYTHON3 ?= python3

# Recipes run with the development tools first on PATH and the checkout visible as a collection.
IN_ENV = export PATH="$(BIN):$$PATH" ANSIBLE_COLLECTIONS_PATH="$(COLLECTIONS)" PYTHONPATH="$(COLLECTIONS):$(ROOT)";
heading = @printf '\n==> %s: %s\n' "$@" "$(1)"

.PHONY: help venv env unit lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

venv: ## Install the development environment into .venv (every other target does so by itself)
	@$(PYTHON3) tests/tools/environment.py dev >/dev/null

env: venv ## Print shell exports: eval "$(make -s env)"
	@echo 'export PATH="$(BIN):$$PATH"'
	@echo 'export ANSIBLE_COLLECTIONS_PATH="$(COLLECTIONS)"'
	@echo 'export PYTHONPATH="$(COLLECTIONS):$(ROOT)"'

unit: venv ## Inner loop: unit tests
	$(call heading,unit tests)
	@$(IN_ENV) pytest tests/unit

lock: venv ## Resolve tests/requirements/dev.in again into dev.lock, for all supported Pythons
	$(call heading,resolving)
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --upgrade \
		tests/requirements/dev.in --output-file tests/requirements/dev.lock
