# Every command that a person or CI needs; `make` lists them.
# They install and build only into .local/, build/ and target/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
LOCAL := $(CURDIR)/.local
FUNCTIONS := $(notdir $(wildcard functions/*))
# Tests, soak, crash matrix and benchmarks share an environment and the helpers in tests/e2e.
TESTS := $(LOCAL)/venv-tests/bin
RUN_HARNESS := PYTHONPATH="$(CURDIR)/scripts:$(CURDIR)/tests/e2e" "$(TESTS)/python"
# The environment of a command on the local AWS; nothing of the caller's own account is left in it.
LOCAL_AWS := unset AWS_PROFILE AWS_SESSION_TOKEN; set -a; . .local/env; set +a;
# The pinned tools take precedence over those of the machine.
export PATH := $(LOCAL)/venv-tools/bin:$(LOCAL)/venv-local/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
export PYTHON PORT LOG_LEVEL ORIGINS
# A changed snapshot fails a test; INSTA_UPDATE=always accepts it.
export INSTA_UPDATE ?= no

# The shell sets USER to the login name, so only a USER on make's command line counts.
TOKEN_USER := $(if $(filter command line,$(origin USER)),$(USER),7)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

# Installs requirements/NAME.txt into .local/venv-NAME, and reinstalls it when the list changes.
venv-%: requirements/%.txt
	@scripts/venv.sh $*

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "error: cargo is missing; install Rust from https://rustup.rs" >&2; exit 1; }

# ------------------------------------------------------------------ the local system

.PHONY: run
run: up ## Package a sample EPUB through the whole system (FILE=path for your own file)
	@"$(PYTHON)" scripts/demo.py $(if $(FILE),"$(FILE)")

.PHONY: up
up: build venv-local venv-cli ## Build, start the local AWS, deploy and write .local/env (PORT= LOG_LEVEL= ORIGINS=)
	@"$(LOCAL)/venv-local/bin/python" scripts/local.py up

.PHONY: down
down: ## Stop the local AWS and remove its data
	@"$(PYTHON)" scripts/local.py down

.PHONY: build
build: cargo ## Build every function for this machine into build/
	@echo "Building the functions"
	@cargo build --locked --quiet --profile local --workspace --bins $(BENCHMARKS)
	@for name in $(FUNCTIONS); do \
	  mkdir -p "build/$$name"; \
	  cmp -s "target/local/$$name" "build/$$name/bootstrap" || cp "target/local/$$name" "build/$$name/bootstrap"; \
	done

.PHONY: token
token: ## Print a token for the local system (make -s token USER=7 ROLE=admin)
	@"$(PYTHON)" scripts/tokens.py "$(TOKEN_USER)" $(if $(ROLE),"$(ROLE)")

.PHONY: invoke
invoke: up ## Invoke one function with its sample event, or your own (FN=get-job EVENT=my.json)
	@"$(PYTHON)" scripts/invoke.py "$(FN)" "$(or $(EVENT),tests/fixtures/events/$(FN).json)"

.PHONY: watch
watch: up ## Rebuild functions as you edit; 'make invoke' runs them (Ctrl-C to stop)
	@"$(PYTHON)" scripts/invoke.py --watch

# ------------------------------------------------------------------ tests and checks

.PHONY: test
test: test-local verify test-rust ## Run every test; write JUnit files to target/pytest, target/verify and target/nextest

.PHONY: test-e2e
test-e2e: up venv-tests venv-lint ## Run the end-to-end tests on the local system (ARGS="-k cancel" for pytest)
	@"$(TESTS)/pytest" -n 4 --junit-xml=target/pytest/junit.xml $(ARGS)

# The end-to-end tests that `make verify` leaves out.
.PHONY: test-local
test-local: up venv-tests venv-lint
	@"$(TESTS)/pytest" -n 4 -m local --junit-xml=target/pytest/junit.xml

.PHONY: verify
verify: $(if $(STAGE),,up) venv-tests ## Check a deployed stack as new users, report, remove all traces (STAGE=prod; default: local)
	@$(if $(STAGE),,$(LOCAL_AWS)) $(RUN_HARNESS) tests/e2e/verify.py "jobs-$(or $(STAGE),local)" \
	  $(if $(STAGE)$(API_URL),$(if $(API_URL),--api-url "$(API_URL)"),--api-url "$$API_URL") \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(REMOVE),--remove $(REMOVE)) $(ARGS)

.PHONY: test-rust
test-rust: cargo venv-tools venv-tests ## Run the Rust tests, which need no system (ARGS="-p tests races" for nextest)
	@cargo nextest run --locked --workspace $(ARGS)
	@"$(TESTS)/python" scripts/check_test_names.py
	@"$(PYTHON)" scripts/follow_job_type_page.py

.PHONY: check
check: cargo venv-tools venv-lint venv-tests ## Check formatting, lints, types, docs, wording, dependencies and templates
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources
	cargo shear
	"$(TESTS)/ruff" check --quiet scripts tests bench
	"$(TESTS)/ruff" format --quiet --check scripts tests bench
	"$(TESTS)/mypy" --no-error-summary
	"$(PYTHON)" scripts/check_writing.py
	"$(TESTS)/python" bench/prices.py --check
	"$(LOCAL)/venv-lint/bin/cfn-lint" template.yaml monitoring.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 \
	  "$(LOCAL)/venv-lint/bin/sam" validate --lint --template template.yaml
	$(MAKE) audit-templates

.PHONY: audit
audit: audit-templates cargo venv-tools ## Check the templates, and dependencies for vulnerabilities (downloads RustSec's database)
	cargo deny check advisories

.PHONY: audit-templates
audit-templates: venv-audit ## Check the templates with checkov, and their IAM policies with parliament
	LOG_LEVEL=WARNING "$(LOCAL)/venv-audit/bin/checkov" --config-file .checkov.yaml
	"$(LOCAL)/venv-audit/bin/python" -W ignore::UserWarning scripts/audit_policies.py

.PHONY: zip64-test
zip64-test: cargo venv-tools ## Write and read back an archive over 4 GiB (needs unzip and 4 GiB of disk)
	@cargo nextest run --locked -p release-files --run-ignored only -E 'test(4_gib)'

.PHONY: fuzz
fuzz: cargo ## Fuzz the file parsers (SECONDS=60 per parser, SEED=n to reproduce a run)
	@scripts/fuzz.sh "$(or $(SECONDS),30)" "$(SEED)"

.PHONY: crash-matrix
crash-matrix: up venv-tests ## Kill the processor before and after each call; write docs/crash-matrix.md
	@$(RUN_HARNESS) tests/e2e/crashes.py --output docs/crash-matrix.md $(ARGS)

.PHONY: soak
soak: up venv-tests ## Run thousands of jobs under kills, throttling, duplicates and cancels (JOBS=2000, SEED=n)
	@$(RUN_HARNESS) tests/e2e/soak.py $(if $(JOBS),--jobs $(JOBS)) $(if $(SEED),--seed $(SEED))

.PHONY: coverage
coverage: cargo venv-local venv-cli venv-tests venv-tools ## Measure the line coverage of all tests; fail below 90 %
	@scripts/coverage.sh

.PHONY: bench
bench: BENCHMARKS := --bench '*'
bench: build venv-local venv-cli venv-python venv-tests ## Run all benchmarks; write target/bench/report.json and docs/prices.md (PART="costs files", MIB="1 100")
	@$(RUN_HARNESS) bench $(PART) $(if $(MIB),--mib $(MIB))

# ------------------------------------------------------------------ AWS

.PHONY: build-aws
build-aws: cargo venv-local venv-zig ## Build every function for AWS (arm64) into build/
	PATH="$(LOCAL)/venv-zig/bin:$$PATH" cargo lambda build --locked --release --arm64 --lambda-dir build

.PHONY: deploy
deploy: venv-cli ## Build for AWS and deploy (STAGE=prod BUCKET=artifacts PARAMETERS="Name=value ...")
	@[ -n "$(STAGE)" ] && [ -n "$(BUCKET)" ] || { \
	  echo "error: STAGE= names the stack (jobs-STAGE), BUCKET= the bucket for the packaged code" >&2; exit 1; }
	@$(MAKE) build-aws
	scripts/deploy.sh "jobs-$(STAGE)" "$(BUCKET)" Architecture=arm64 $(PARAMETERS)
	@"$(LOCAL)/venv-cli/bin/aws" cloudformation describe-stacks --stack-name "jobs-$(STAGE)" \
	  --query "Stacks[0].Outputs[].[OutputKey, OutputValue]" --output table
