# Every command that a person or CI needs; `make` lists them.
# They install and build only into .local/, build/ and target/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Recipes read the values that a user gives as variables of the shell, IN_NAME. Neither make nor the shell then takes a
# part of a value for code. Without 'unexport', make would expand it once more.
INPUTS := API_URL ARGS BUCKET EVENT FILE FN HOSTILE JOBS MIB PARAMETERS PART REMOVE ROLE SECONDS SEED SINCE STAGE USER
$(foreach name,$(INPUTS),$(eval export IN_$(name) := $$(value $(name))))
unexport $(filter-out USER,$(INPUTS))
# The shell sets USER to the login name, so only a USER on make's command line counts.
export TOKEN_USER := $(if $(filter command line,$(origin USER)),$(IN_USER),7)
override USER := $(value USER)
# The same for those that scripts read under their own names.
override PYTHON := $(or $(value PYTHON),python3)
# A changed snapshot fails a test; INSTA_UPDATE=always accepts it.
override INSTA_UPDATE := $(or $(value INSTA_UPDATE),no)
override PORT := $(value PORT)
override LOG_LEVEL := $(value LOG_LEVEL)
override ORIGINS := $(value ORIGINS)
export PYTHON INSTA_UPDATE PORT LOG_LEVEL ORIGINS

LOCAL := $(CURDIR)/.local
FUNCTIONS := $(notdir $(wildcard functions/*))
# Tests, soak, crash matrix and benchmarks share an environment and the helpers in tests/e2e.
TESTS := $(LOCAL)/venv-tests/bin
HARNESS_PATH := PYTHONPATH="$(CURDIR)/scripts:$(CURDIR)/tests/e2e"
RUN_HARNESS := $(HARNESS_PATH) "$(TESTS)/python"
# The environment of a command on the local AWS; nothing of the caller's own account is left in it.
LOCAL_AWS := unset AWS_PROFILE AWS_SESSION_TOKEN; set -a; . .local/env; set +a;
# The pinned tools take precedence over those of the machine.
export PATH := $(LOCAL)/venv-tools/bin:$(LOCAL)/venv-local/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
# Runs a command with the words of IN_NAME as further arguments: $(call with_words,ARGS) COMMAND.
with_words = "$$PYTHON" scripts/with_words.py IN_$(1)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

# Installs requirements/NAME.txt into .local/venv-NAME, and reinstalls it when the list changes.
venv-%: requirements/%.txt
	@scripts/venv.sh $*

.PHONY: lock
lock: venv-lock ## Write requirements/*.txt, with hashes, from the versions in requirements/*.in (asks PyPI)
	@scripts/lock.sh

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "error: cargo is missing; install Rust from https://rustup.rs" >&2; exit 1; }

# ------------------------------------------------------------------ the local system

.PHONY: run
run: up ## Package a sample EPUB through the whole system (FILE=path for your own file)
	@"$$PYTHON" scripts/demo.py $${IN_FILE:+"$$IN_FILE"}

.PHONY: up
up: build venv-local venv-cli ## Build, start the local AWS, deploy and write .local/env (PORT= LOG_LEVEL= ORIGINS=)
	@"$(LOCAL)/venv-local/bin/python" scripts/local.py up

.PHONY: down
down: ## Stop the local AWS and remove its data
	@"$$PYTHON" scripts/local.py down

.PHONY: build
build: cargo ## Build the console and every function for this machine into build/, and the client target/local/jobs
	@scripts/console.sh build/get-console
	@echo "Building the functions"
	@cargo build --locked --quiet --profile local --workspace --bins $(BENCHMARKS)
	@for name in $(FUNCTIONS); do \
	  mkdir -p "build/$$name"; \
	  cmp -s "target/local/$$name" "build/$$name/bootstrap" || cp "target/local/$$name" "build/$$name/bootstrap"; \
	done

.PHONY: token
token: ## Print a token for the local system (make -s token USER=7 ROLE=admin)
	@"$$PYTHON" scripts/tokens.py -- "$$TOKEN_USER" $${IN_ROLE:+"$$IN_ROLE"}

.PHONY: console
console: up ## Serve the console with reload as you edit, against the local system (Ctrl-C to stop)
	@scripts/console.sh
	@set -a; . .local/env; set +a; cd console && npm run --silent dev

.PHONY: invoke
invoke: up ## Invoke one function with its sample event, or your own (FN=get-job EVENT=my.json)
	@"$$PYTHON" scripts/invoke.py -- "$$IN_FN" "$${IN_EVENT:-tests/fixtures/events/$$IN_FN.json}"

.PHONY: watch
watch: up ## Rebuild functions as you edit; 'make invoke' runs them (Ctrl-C to stop)
	@"$$PYTHON" scripts/invoke.py --watch

# ------------------------------------------------------------------ tests and checks

.PHONY: test
test: forget-document test-local verify test-client test-document test-rust ## Run every test; write JUnit files to target/pytest, target/verify and target/nextest
	@$(RUN_HARNESS) tests/e2e/document.py

# What the tests have seen of the API's document is counted from here on.
.PHONY: forget-document
forget-document:
	@rm -rf target/openapi

.PHONY: test-e2e
test-e2e: up venv-tests venv-lint ## Run the end-to-end tests on the local system (ARGS="-k cancel" for pytest)
	@$(call with_words,ARGS) "$(TESTS)/pytest" -n 4 --junit-xml=target/pytest/junit.xml

# The end-to-end tests that `make verify` leaves out.
.PHONY: test-local
test-local: up venv-tests venv-lint
	@"$(TESTS)/pytest" -n 4 -m local --junit-xml=target/pytest/junit.xml

.PHONY: verify
verify: $(if $(IN_STAGE),,up) venv-tests ## Check a deployed stack as new users, report, remove all traces (STAGE=prod; default: local)
	@$(if $(IN_STAGE),,$(LOCAL_AWS)) \
	  [ -n "$$IN_STAGE" ] || IN_API_URL=$${IN_API_URL:-$$API_URL}; \
	  $(HARNESS_PATH) $(call with_words,ARGS) "$(TESTS)/python" tests/e2e/verify.py "jobs-$${IN_STAGE:-local}" \
	  $${IN_API_URL:+--api-url="$$IN_API_URL"} $${IN_JOBS:+--jobs="$$IN_JOBS"} $${IN_REMOVE:+--remove="$$IN_REMOVE"}

.PHONY: test-client
test-client: up ## Compile the TypeScript client and test it on the local system
	@scripts/test_client.sh

.PHONY: test-document
test-document: up venv-schemathesis ## Test the API against its document with requests that schemathesis makes
	@scripts/test_document.sh

.PHONY: test-rust
test-rust: cargo venv-tools venv-tests ## Run the Rust tests, which need no system (ARGS="-p tests races" for nextest)
	@$(call with_words,ARGS) cargo nextest run --locked --workspace
	@"$(TESTS)/python" scripts/check_test_names.py
	@"$$PYTHON" scripts/follow_job_type_page.py

.PHONY: check
check: cargo venv-tools venv-lint venv-tests ## Check formatting, lints, types, docs, wording, dependencies and templates
	@scripts/console.sh
	npm run --silent --prefix console check
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources
	cargo shear
	"$(TESTS)/ruff" check --quiet scripts tests bench
	"$(TESTS)/ruff" format --quiet --check scripts tests bench
	"$(TESTS)/mypy" --no-error-summary
	"$$PYTHON" scripts/check_writing.py
	"$$PYTHON" scripts/check_requirements.py
	"$(TESTS)/python" bench/prices.py --check
	"$(TESTS)/python" scripts/api_table.py --check
	"$(TESTS)/python" scripts/api_reference.py --check
	scripts/lint_openapi.sh
	"$(TESTS)/python" tests/e2e/compatibility.py
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
	@scripts/fuzz.sh "$${IN_SECONDS:-30}" "$$IN_SEED"

.PHONY: crash-matrix
crash-matrix: up venv-tests ## Kill the processor before and after each call; write docs/crash-matrix.md
	@$(HARNESS_PATH) $(call with_words,ARGS) "$(TESTS)/python" tests/e2e/crashes.py --output docs/crash-matrix.md

.PHONY: soak
soak: up venv-tests ## Run thousands of jobs under faults, 5 % hostile ones among them (JOBS=2000, SEED=n, HOSTILE=5)
	@$(RUN_HARNESS) tests/e2e/soak.py $${IN_JOBS:+--jobs="$$IN_JOBS"} $${IN_SEED:+--seed="$$IN_SEED"} \
	  $${IN_HOSTILE:+--hostile="$$IN_HOSTILE"}

.PHONY: coverage
coverage: cargo venv-local venv-cli venv-tests venv-tools ## Measure the line coverage of all tests; fail below 90 %
	@scripts/coverage.sh

.PHONY: bench
bench: BENCHMARKS := --bench '*'
bench: build venv-local venv-cli venv-python venv-tests ## Run all benchmarks; write target/bench/report.json and docs/prices.md (PART="costs files", MIB="1 100")
	@IN_PART="$$IN_PART $${IN_MIB:+--mib $$IN_MIB}" $(HARNESS_PATH) $(call with_words,PART) "$(TESTS)/python" bench

# ------------------------------------------------------------------ AWS

.PHONY: republish
republish: $(if $(IN_STAGE),venv-cli,up) ## Publish the events of jobs since a time again (SINCE=2026-11-28T12:00:00Z STAGE=prod; default: local)
	@[ -n "$$IN_SINCE" ] || { echo "error: SINCE= is the time of the first event" >&2; exit 1; }
	@$(if $(IN_STAGE),,$(LOCAL_AWS)) "$$PYTHON" scripts/republish.py --stack "jobs-$${IN_STAGE:-local}" -- "$$IN_SINCE"

.PHONY: build-aws
build-aws: cargo venv-local venv-zig ## Build the console and every function for AWS (arm64) into build/
	@scripts/console.sh build/get-console
	PATH="$(LOCAL)/venv-zig/bin:$$PATH" cargo lambda build --locked --release --arm64 \
	  --workspace --exclude jobs-cli --lambda-dir build

.PHONY: deploy
deploy: venv-cli ## Build for AWS and deploy (STAGE=prod BUCKET=artifacts PARAMETERS="Name=value ...")
	@[ -n "$$IN_STAGE" ] && [ -n "$$IN_BUCKET" ] || { \
	  echo "error: STAGE= names the stack (jobs-STAGE), BUCKET= the bucket for the packaged code" >&2; exit 1; }
	@$(MAKE) build-aws
	@$(call with_words,PARAMETERS) scripts/deploy.sh "jobs-$$IN_STAGE" "$$IN_BUCKET" Architecture=arm64
	@"$(LOCAL)/venv-cli/bin/aws" cloudformation describe-stacks --stack-name "jobs-$$IN_STAGE" \
	  --query "Stacks[0].Outputs[].[OutputKey, OutputValue]" --output table
