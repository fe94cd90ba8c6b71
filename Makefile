# Every command a person or CI needs; `make` alone lists them.
# What is installed or made stays in .local/, build/ and target/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
LOCAL := $(CURDIR)/.local
FUNCTIONS := $(notdir $(wildcard functions/*))
# The pinned tools come before whatever else the machine has.
export PATH := $(LOCAL)/venv-tools/bin:$(LOCAL)/venv-local/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
export PYTHON PORT LOG_LEVEL ORIGINS MIB

# The shell sets USER to the login name: only one given to make counts.
TOKEN_USER := $(if $(filter command line,$(origin USER)),$(USER),7)

.PHONY: help
help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# Installs requirements/NAME.txt into .local/venv-NAME, again when the list has changed.
venv-%: requirements/%.txt
	@scripts/venv.sh $*

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "error: cargo is missing; install Rust from https://rustup.rs" >&2; exit 1; }

# ------------------------------------------------------------------ the local system

.PHONY: run
run: up ## Demonstrates it all: release, upload, analysis, packaging (FILE=path takes your own file)
	@"$(PYTHON)" scripts/demo.py $(if $(FILE),"$(FILE)")

.PHONY: up
up: build venv-local venv-cli ## Builds, starts the local AWS, deploys, writes .local/env (PORT= LOG_LEVEL= ORIGINS=)
	@"$(LOCAL)/venv-local/bin/python" scripts/local.py up

.PHONY: down
down: ## Stops the local AWS and removes its data
	@"$(PYTHON)" scripts/local.py down

.PHONY: build
build: cargo ## Builds every function for this machine into build/
	@echo "Building the functions"
	@cargo build --locked --quiet --profile local --workspace --bins $(BENCHMARKS)
	@for name in $(FUNCTIONS); do \
	  mkdir -p "build/$$name"; \
	  cmp -s "target/local/$$name" "build/$$name/bootstrap" || cp "target/local/$$name" "build/$$name/bootstrap"; \
	done

.PHONY: token
token: ## Prints a token for the local system: make -s token USER=7 ROLE=admin
	@"$(PYTHON)" scripts/tokens.py "$(TOKEN_USER)" $(if $(ROLE),"$(ROLE)")

.PHONY: invoke
invoke: up ## Invokes one function alone: make invoke FN=get-job [EVENT=tests/fixtures/events/get-job.json]
	@"$(PYTHON)" scripts/invoke.py "$(FN)" "$(or $(EVENT),tests/fixtures/events/$(FN).json)"

.PHONY: watch
watch: up ## Rebuilds functions as you edit; 'make invoke' reaches these meanwhile (Ctrl-C ends it)
	@"$(PYTHON)" scripts/invoke.py --watch

# ------------------------------------------------------------------ tests and checks

.PHONY: test
test: up venv-tools ## Runs every test, the end-to-end ones against the deployed template (ARGS= for nextest)
	@"$(LOCAL)/venv-local/bin/python" tests/e2e
	@cargo nextest run --locked --workspace $(ARGS)
	@"$(PYTHON)" scripts/follow_job_type_page.py

.PHONY: check
check: cargo venv-tools venv-lint ## Formatting, lints, docs, dependencies and template are clean
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources
	cargo shear
	"$(LOCAL)/venv-lint/bin/cfn-lint" template.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 \
	  "$(LOCAL)/venv-lint/bin/sam" validate --lint --template template.yaml

.PHONY: audit
audit: cargo venv-tools ## Looks for known vulnerabilities; fetches RustSec's database, so not in 'make check'
	cargo deny check advisories

.PHONY: fuzz
fuzz: cargo ## Feeds every reader changed samples for a while: make fuzz SECONDS=60 (each), SEED=n
	@scripts/fuzz.sh "$(or $(SECONDS),30)" "$(SEED)"

.PHONY: crash-matrix
crash-matrix: up ## Kills the processor before and after each of its calls; writes docs/crash-matrix.md
	@"$(LOCAL)/venv-local/bin/python" tests/e2e/crashes.py docs/crash-matrix.md

.PHONY: soak
soak: up ## Thousands of jobs under kills, throttling, duplicates and cancels: make soak JOBS=2000
	@"$(LOCAL)/venv-local/bin/python" tests/e2e/soak.py $(JOBS)

.PHONY: coverage
coverage: cargo venv-local venv-cli venv-tools ## Line coverage of all tests, the end-to-end ones too; fails below 90 %
	@scripts/coverage.sh

.PHONY: bench
bench: BENCHMARKS := --bench '*'
bench: build venv-local venv-cli venv-python ## Measures it all, writes target/bench/report.json and docs/prices.md (PART="costs files", MIB="1 100")
	@echo "Measuring, and building some functions as they are deployed to AWS meanwhile"
	@"$(LOCAL)/venv-local/bin/python" bench $(PART)

# ------------------------------------------------------------------ AWS

.PHONY: deploy
deploy: cargo venv-local venv-cli venv-zig ## Builds for arm64, deploys to AWS: make deploy STAGE=prod BUCKET=artifacts PARAMETERS="Name=value ..."
	@[ -n "$(STAGE)" ] && [ -n "$(BUCKET)" ] || { \
	  echo "error: STAGE= names the stack (jobs-STAGE), BUCKET= the bucket for the packaged code" >&2; exit 1; }
	PATH="$(LOCAL)/venv-zig/bin:$$PATH" cargo lambda build --locked --release --arm64 --lambda-dir build
	scripts/deploy.sh "jobs-$(STAGE)" "$(BUCKET)" Architecture=arm64 $(PARAMETERS)
	@"$(LOCAL)/venv-cli/bin/aws" cloudformation describe-stacks --stack-name "jobs-$(STAGE)" \
	  --query "Stacks[0].Outputs[].[OutputKey, OutputValue]" --output table
