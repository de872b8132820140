# The project's commands. `make help` lists them.
# A fresh machine needs python3 with its venv module, git and make: whatever else is needed goes into .venv, once.
# PYTHON=/path/to/python3.x chooses the Python of .venv; otherwise the best one on the machine is taken.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ROOT := $(CURDIR)
BIN := $(ROOT)/.venv/bin
COLLECTIONS := $(ROOT)/.venv/collections
ENVIRONMENT := python3 tests/tools/environment.py

# Recipes run with the development tools first on PATH and the checkout visible as a collection.
# Molecule would keep its state in the home, in a folder that all checkouts of the same name share.
VARIABLES = PATH="$(BIN):$$PATH" ANSIBLE_COLLECTIONS_PATH="$(COLLECTIONS)" PYTHONPATH="$(COLLECTIONS):$(ROOT)" \
	MOLECULE_EPHEMERAL_DIRECTORY="$(ROOT)/.cache/molecule"
IN_ENV = export $(VARIABLES);
PYTEST_OPTIONS = pytest --junitxml=.cache/results/$@.xml
PYTEST = $(IN_ENV) $(PYTEST_OPTIONS)
heading = @printf '\n==> %s: %s\n' "$@" "$(1)"

# Builds another environment and runs a command with its bin folder in $$bin; a Python that is absent skips the step.
with_environment = if bin=$$($(ENVIRONMENT) $(1)); then $(2); \
	elif [ $$? -eq 3 ]; then echo "skipped: $@ needs a Python that is not on this machine"; else exit 1; fi

.PHONY: help venv env demo chaos unit test test-all fmt lint types docs-lint contract operations modules playbooks molecule sanity ansible-lint \
	packaging test-clients test-azcollection test-long mutation lock audit fuzz clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-zA-Z0-9%-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

venv: ## Install the development environment into .venv (every other target does so by itself)
	@$(ENVIRONMENT) dev >/dev/null

env: venv ## Print shell exports: eval "$(make -s env)"
	@echo 'export $(VARIABLES)'

demo: venv ## The main job on real output, against the emulator
	$(call heading,preview and switch of a fleet)
	@$(IN_ENV) python -m tests.demo

chaos: venv ## Rollouts under faults, a minute's worth; SEED=n RUNS=n: as many stories of that campaign
	$(call heading,fault campaign)
	@$(IN_ENV) python -m tests.chaos --seed $(or $(SEED),1) $(if $(RUNS),--runs $(RUNS),--runs 4 --short --minutes 1) $(ARGS)

# --- tiers ---

unit: venv ## Inner loop: unit tests, in seconds
	$(call heading,unit tests)
	@$(PYTEST) tests/unit

test: venv ## All that a contributor needs before a push
	@$(IN_ENV) python tests/tools/steps.py test

test-all: venv ## make test, then other ansible-core versions, real clients, long runs; MINUTES=n: what fits into n minutes
	@$(IN_ENV) python tests/tools/steps.py all $(if $(MINUTES),--minutes $(MINUTES))

# --- steps of make test ---

fmt: venv ## Format the code and mend what can be mended mechanically
	@$(IN_ENV) ruff check --quiet --fix-only . && ruff format .

lint: venv ## Formatting, ruff, yamllint
	$(call heading,formatting and lint)
	@$(IN_ENV) failed=0; ruff format --check . || failed=1; ruff check . || failed=1; yamllint --strict . || failed=1; exit $$failed

types: venv ## mypy, strict, over plugins and tests
	$(call heading,types)
	@$(IN_ENV) mypy -p ansible_collections.aks.kube_proxy.plugins -p tests \
		| sed 's#^.venv/collections/ansible_collections/aks/kube_proxy/##'

docs-lint: venv ## Plugin documentation, changelog fragments, links in Markdown files
	$(call heading,documentation)
	@$(IN_ENV) failed=0; antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all \
		--disallow-unknown-collection-refs . || failed=1; \
		antsibull-changelog lint || failed=1; python -m tests.tools.links || failed=1; exit $$failed

contract: venv ## The emulator, read by the official Azure clients
	$(call heading,contract tests of the emulator)
	@$(PYTEST) -n 2 tests/contract

operations: venv ## What the modules do, in one process, against the emulator
	$(call heading,operations)
	@$(PYTEST) -n 2 tests/operations

modules: venv ## Modules under real ansible-playbook over real HTTPS
	$(call heading,module tests)
	@$(PYTEST) -n 2 tests/modules

playbooks: venv ## Roles and playbooks under real ansible-playbook
	$(call heading,playbook tests)
	@$(PYTEST) -n 2 tests/playbooks

molecule: venv ## Molecule scenarios
	$(call heading,molecule)
	@rm -f .cache/molecule/state.yml  # after an interrupted run it would say that the emulator is there
	@$(IN_ENV) COLUMNS=120 NO_COLOR=1 molecule test --all

sanity: venv ## ansible-test sanity, whole; ARGS="--test pylint" runs a part
	$(call heading,ansible-test sanity)
	@$(BIN)/python tests/tools/sanity.py $(ARGS)

ansible-lint: venv ## ansible-lint, profile production
	$(call heading,ansible-lint)
	@$(IN_ENV) ansible-lint --profile production

packaging: venv ## The built collection, its metadata and the toolchain itself
	$(call heading,packaging)
	@$(PYTEST) -n 2 tests/packaging

# --- steps that make test-all adds ---

test-core-%: venv ## Unit and module tests on ansible-core 2.16 (oldest Python and packages), 2.18, 2.20 or next
	$(call heading,on another ansible-core)
	@$(call with_environment,core-$*,"$$bin/ansible" --version | sed -n 1p; \
		"$$bin/python" -m $(PYTEST_OPTIONS) -n 2 tests/unit tests/operations tests/modules tests/playbooks)

# The next core's pylint is pinned to an archive on a code host, which not every machine reaches.
sanity-core-%: venv ## ansible-test sanity of another ansible-core
	$(call heading,ansible-test sanity)
	@$(call with_environment,core-$*,"$$bin/python" tests/tools/sanity.py $(if $(filter next,$*),--skip-test pylint))

test-clients: venv ## az and azure.azcollection against the emulator
	$(call heading,real clients)
	@$(call with_environment,az azcollection,set -- $$bin; \
		export AKS_TEST_AZ="$$1/az" AKS_TEST_AZCOLLECTION="$$2"; $(PYTEST) tests/clients)

test-azcollection: venv ## Module tests with our requirements and those of azure.azcollection in one environment
	$(call heading,with azure.azcollection)
	@$(call with_environment,azcollection,failed=0; "$$bin/python" -m pip check || failed=1; \
		"$$bin/python" -m $(PYTEST_OPTIONS) -n 2 tests/modules || failed=1; exit $$failed)

test-long: venv ## Property-based tests with many more examples, and tests marked long
	$(call heading,long runs)
	@$(PYTEST) -n 2 --hypothesis-profile=long -m 'long or hypothesis'

mutation: venv ## Changes that no test notices; ONLY="_domain/waves" a part of the files, SAMPLE=n SEED=n so many mutants
	$(call heading,mutation check)
	@$(IN_ENV) python -m tests.tools.mutation $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

# --- upkeep ---

lock: venv ## Resolve tests/requirements/dev.in into dev.lock, with hashes, for all supported Pythons; ARGS=--upgrade: the newest
	$(call heading,resolving)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		$(ARGS) tests/requirements/dev.in --output-file tests/requirements/dev.lock

fuzz: venv ## Coverage-guided fuzzing of all that reads from outside; SECONDS=n: for all readers together (300)
	$(call heading,coverage-guided fuzzing)
	@$(call with_environment,fuzz,PYTHONPATH="$(COLLECTIONS):$(ROOT)" "$$bin/python" -m tests.fuzz --seconds $(or $(SECONDS),300))

audit: venv ## Known vulnerabilities in dev.lock and in the lower bounds of requirements.txt, where the data can be had
	$(call heading,known vulnerabilities)
	@$(IN_ENV) python -m tests.tools.audit

clean: ## Remove all environments and caches
	rm -rf .venv .venv-* .cache .ansible
