# Every command a person or CI needs. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help tools build up down run token test check coverage deploy

FUNCTIONS := $(notdir $(wildcard functions/*))
FILE ?=
ROLE ?=
STAGE ?= dev
# The shell sets USER to the login name: only one given to make counts.
TOKEN_USER := $(if $(filter command line,$(origin USER)),$(USER),7)

help: ## Lists the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

tools:
	@command -v cargo >/dev/null || { echo "error: cargo is missing; see https://rustup.rs" >&2; exit 1; }
	@scripts/venv.sh local cli tools

build: tools ## Builds every function for this machine into build/
	@echo "Building the functions"
	@set -o pipefail; cargo build --locked --profile local --workspace --bins 2>&1 | grep -vE '^ +(Compiling|Downloaded|Fresh) ' || exit $${PIPESTATUS[0]}
	@for name in $(FUNCTIONS); do mkdir -p build/$$name; \
	  cmp -s target/local/$$name build/$$name/bootstrap || cp target/local/$$name build/$$name/bootstrap; done

up: build ## Starts the local AWS, deploys the template, writes .local/env
	@.local/venv-local/bin/python scripts/local.py up

down: ## Stops the local AWS and cleans up
	@python3 scripts/local.py down

run: up ## Packages a sample EPUB (or FILE=path) and shows it happen
	@python3 scripts/demo.py $(FILE)

token: ## Prints a token: make -s token USER=7 ROLE=admin
	@python3 scripts/tokens.py $(TOKEN_USER) $(ROLE)

test: up ## Runs all tests, the end-to-end ones against the local AWS
	@.local/venv-tools/bin/cargo-nextest nextest run --locked --workspace

check: tools ## Formats, lints and docs are clean; dependencies and template too
	@scripts/venv.sh lint
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	.local/venv-lint/bin/cfn-lint template.yaml

deploy: tools ## Builds for arm64 and deploys to AWS: make deploy STAGE=prod BUCKET=artifacts PARAMETERS="Name=value ..."
	@test -n "$(BUCKET)" || { echo "error: BUCKET= names the bucket for the packaged code" >&2; exit 1; }
	@scripts/venv.sh zig
	PATH="$$PWD/.local/venv-zig/bin:$$PATH" .local/venv-local/bin/cargo-lambda lambda build --release --arm64 --lambda-dir build
	scripts/deploy.sh jobs-$(STAGE) $(BUCKET) $(PARAMETERS)
