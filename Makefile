# Everything that is installed or made here stays in .local/, build/ and target/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

LOCAL := $(CURDIR)/.local
PYTHON ?= python3
LOCAL_PYTHON := $(LOCAL)/venv-local/bin/python
# The pinned tools come before whatever else the machine has.
export PATH := $(LOCAL)/venv-tools/bin:$(LOCAL)/venv-local/bin:$(PATH)
export PYTHON PORT LOG_LEVEL ORIGINS

# The shell sets USER too: only make's own command line counts.
TOKEN_USER := $(if $(filter command line,$(origin USER)),$(USER),7)
ROLE :=
FILE :=
STAGE :=
PARAMS :=
ARTIFACTS :=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

# ------------------------------------------------------------------ tools

# Installed once, and again when the list of versions changes.
venv-%: requirements/%.txt
	@scripts/venv.sh $*

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "error: cargo is missing; install Rust from https://rustup.rs" >&2; exit 1; }

# ------------------------------------------------------------------ the local system

.PHONY: run
run: up ## Demonstrate it all: release, upload, analysis, packaging (FILE=path takes your own file)
	@$(LOCAL_PYTHON) scripts/demo.py $(if $(FILE),"$(FILE)")

.PHONY: up
up: build venv-cli ## Build, start the local AWS, deploy (PORT=, LOG_LEVEL=, ORIGINS= if you like)
	@$(LOCAL_PYTHON) scripts/local.py up

.PHONY: down
down: ## Stop the local AWS and remove its data
	@$(PYTHON) scripts/local.py down

.PHONY: build
build: cargo venv-local ## Build the functions for this machine
	@cargo lambda build --quiet --profile local --compiler cargo --lambda-dir build

.PHONY: token
token: ## Print a token for the local system (USER=7 ROLE=admin)
	@$(PYTHON) scripts/make_token.py "$(TOKEN_USER)" "$(ROLE)"

.PHONY: invoke
invoke: up ## Invoke one function alone with an event (FN=get-job EVENT=tests/fixtures/events/get-job.json)
	@$(LOCAL_PYTHON) scripts/invoke.py "$(FN)" "$(or $(EVENT),tests/fixtures/events/$(FN).json)"

.PHONY: watch
watch: up ## Rebuild and restart functions as you edit; 'make invoke' then reaches these (stop with Ctrl-C)
	@$(LOCAL_PYTHON) scripts/invoke.py --watch

# ------------------------------------------------------------------ tests and checks

.PHONY: test
test: up venv-tools ## Run every test, the end-to-end ones against the deployed template
	@set -a; . .local/env; LOCAL_ENV=$(LOCAL)/env; TOKEN_SECRET_FILE=$(LOCAL)/token-secret; set +a; \
	  cargo nextest run --workspace $(ARGS)
	@cargo test --quiet --workspace --doc

.PHONY: check
check: cargo venv-tools venv-lint ## Formatting, lints, docs, dependencies, template
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources
	cargo shear
	$(LOCAL)/venv-lint/bin/cfn-lint template.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(LOCAL)/venv-lint/bin/sam validate --lint --template template.yaml

.PHONY: audit
audit: cargo venv-tools ## Look for known vulnerabilities (fetches RustSec's database, so it is not in 'make check')
	cargo deny check advisories

.PHONY: coverage
coverage: cargo venv-tools ## Line coverage of the code that tests run in process; fails below 90 %
	@scripts/coverage.sh

# ------------------------------------------------------------------ AWS

.PHONY: deploy
deploy: cargo venv-local venv-cli venv-zig ## Build for arm64 and deploy to AWS (STAGE=prod PARAMS="TokenSecretName=...")
	@[ -n "$(STAGE)" ] || { echo 'error: name a stage: make deploy STAGE=prod PARAMS="TokenSecretName=..."' >&2; exit 1; }
	PATH="$(LOCAL)/venv-zig/bin:$$PATH" cargo lambda build --release --arm64 --lambda-dir build
	scripts/deploy.sh "jobs-$(STAGE)" "$(or $(ARTIFACTS),$$($(LOCAL)/venv-cli/bin/aws sts get-caller-identity --query "join('-', ['jobs-artifacts', Account])" --output text))" Architecture=arm64 $(PARAMS)
	@$(LOCAL)/venv-cli/bin/aws cloudformation describe-stacks --stack-name "jobs-$(STAGE)" --query "Stacks[0].Outputs[].[OutputKey, OutputValue]" --output table
