# Trunkline. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Everything that a run keeps; deleting it is a clean slate.
export RUN_DIR ?= $(CURDIR)/.run
export HTTP_PORT ?= 8080
export SIP_PORT ?= 5060
# AGI_PORT (FastAGI, for dialplan hooks) is 4573 unless it is set or another copy has it.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Queries were checked against the real schema when they were written (.sqlx/); building needs no database.
ifneq ($(wildcard .sqlx),)
export SQLX_OFFLINE ?= true
endif

BUILT := $(CARGO_TARGET_DIR)/debug
# One set of features and one profile for run, tests, clippy and the drift checks: nothing is built twice.
WORKSPACE := --workspace --locked

.PHONY: help run demo-call test check bench build asterisk clean-run test-rust test-panel test-browser test-security \
        check-deps check-format check-clippy check-panel check-licences check-tree check-drift check-advisories check-deny sbom

help:  ## list the goals
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  RUN_DIR, HTTP_PORT, SIP_PORT and AGI_PORT may be set in the environment."

run:  ## start PostgreSQL, Asterisk and the gateway, with the demo tenant (Ctrl-C stops all)
	@.ci/deps run
	@asterisk/get-asterisk.sh > /dev/null
	@.ci/panel build
	@cargo build $(WORKSPACE) --bins
	@exec "$(BUILT)/trunkline-stack" run

demo-call:  ## while `make run` is up: a customer calls the demo queue and speaks
	@.ci/deps demo-call
	@[ -x "$(BUILT)/trunkline-stack" ] || cargo build $(WORKSPACE) --bins
	@exec "$(BUILT)/trunkline-stack" demo-call

test:  ## every test, with the real PostgreSQL, Asterisk, SIP phones and Chromium
	@.ci/deps test
	@asterisk/get-asterisk.sh > /dev/null
	@.ci/panel build
	@cargo build $(WORKSPACE) --bins
	@$(MAKE) test-panel test-rust test-browser test-security

# Parts of `test`, for those who work on one of them and have built the rest.
test-rust:
	@cargo test $(WORKSPACE)

test-panel:
	@cd gateway/web && ../../.ci/node npm run --silent test

test-browser:
	@cd gateway/web && ../../.ci/node npm run --silent e2e

# SEED=7 sends the same random requests again; SECONDS_EACH=300 sends them for longer.
test-security:
	@.ci/python tests/security/run $(if $(SEED),--seed $(SEED)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

check: check-deps check-format check-panel check-clippy check-tree check-licences check-drift check-advisories check-deny  ## format, lints, licences, drift of generated files

check-deps:
	@.ci/deps check

check-format:
	@cargo fmt --all --check

check-clippy:
	@cargo clippy $(WORKSPACE) --all-targets -- -D warnings

# The panel's types come from the committed API document; whether that is up to date is looked at below.
check-panel:
	@.ci/panel build
	@cd gateway/web && ../../.ci/node npm run --silent check

# Two TLS providers in one program are a panic at run time, and OpenSSL is not ours to patch.
check-tree:
	@tree="$$(cargo tree $(WORKSPACE) --edges normal,build --prefix none --format '{p}' --target all)"; \
	for banned in aws-lc-sys aws-lc-rs openssl openssl-sys native-tls; do \
	  if grep -q "^$$banned v" <<< "$$tree"; then \
	    echo "check: $$banned has come into the dependency tree: cargo tree -i $$banned --target all"; exit 1; \
	  fi; \
	done
	@echo "check: no second TLS stack in the tree"

check-licences:
	@cargo build --quiet $(WORKSPACE) --bins
	@cargo metadata --format-version 1 --locked | "$(BUILT)/trunkline-licences"

check-drift:
	@if [ -x migrations/prepare-sqlx.sh ]; then .ci/deps run; migrations/prepare-sqlx.sh --check; fi
	@cargo build --quiet $(WORKSPACE) --bins
	@if [ -f gateway/openapi.json ]; then \
	  "$(BUILT)/trunkline" openapi | diff -u gateway/openapi.json - > /dev/null \
	    || { echo "check: gateway/openapi.json is stale: run \`trunkline openapi > gateway/openapi.json\`"; exit 1; }; \
	  echo "check: the OpenAPI document is up to date"; \
	fi

# Nothing is installed for this: that would take minutes. A machine that has cargo-audit uses it.
check-advisories:
	@if ! command -v cargo-audit > /dev/null; then \
	  echo "check: advisories NOT checked: cargo-audit is not installed here"; \
	elif ! cargo audit --quiet --json > /dev/null 2> "$(CARGO_TARGET_DIR)/audit.err" && grep -qiE "couldn't fetch|failed to fetch|network" "$(CARGO_TARGET_DIR)/audit.err"; then \
	  echo "check: advisories NOT checked: the advisory database cannot be had here"; \
	else \
	  cargo audit --quiet; echo "check: no advisory against a dependency"; \
	fi
	@cd gateway/web; report="$$(../../.ci/node npm audit --omit=dev --audit-level=moderate --json 2> /dev/null)" && status=0 || status=$$?; \
	if ! grep -q '"vulnerabilities"' <<< "$$report"; then \
	  echo "check: advisories against the panel's packages NOT checked: the registry does not answer that here"; \
	elif [[ $$status != 0 ]]; then \
	  echo "check: there are advisories against the panel's packages: cd gateway/web && npm audit --omit=dev"; exit 1; \
	else \
	  echo "check: no advisory against the panel's packages"; \
	fi

# Licences, bans and sources need no network; the advisories' database may be out of reach.
check-deny:
	@if ! command -v cargo-deny > /dev/null; then \
	  echo "check: deny.toml NOT checked: cargo-deny is not installed here (licences and TLS stacks are checked above)"; \
	else \
	  cargo deny --log-level error --offline check bans licenses sources; \
	  if cargo deny --log-level error fetch db > /dev/null 2>&1; then cargo deny --log-level error check advisories; \
	  else echo "check: advisories NOT checked by cargo-deny: the database cannot be had here"; fi; \
	fi

sbom:  ## what the program is made of, as CycloneDX, to target/sbom.cdx.json
	@cargo build --quiet --locked -p trunkline-stack --bins
	@cargo metadata --format-version 1 --locked | "$(BUILT)/trunkline-sbom" Cargo.lock gateway/web/package-lock.json > "$(CARGO_TARGET_DIR)/sbom.cdx.json"
	@echo "the SBOM is in $(CARGO_TARGET_DIR)/sbom.cdx.json"

bench:  ## benchmarks beside their peers, to target/bench/results.json (BENCH="hub_fanout hub_memory" for some)
	@.ci/deps bench
	@asterisk/get-asterisk.sh > /dev/null
	@.ci/panel build
	@cargo build $(WORKSPACE) --bins
	@cargo build --release --locked -p trunkline-bench -p trunkline --bins
	@"$(CARGO_TARGET_DIR)/release/bench" $(BENCH)

build:  ## build the panel and all programs
	@.ci/panel build
	@cargo build $(WORKSPACE) --bins

asterisk:  ## fetch Asterisk into the user's cache, or look for a newer one
	@asterisk/get-asterisk.sh --refresh

clean-run:  ## throw away what `make run` keeps
	@rm -rf "$(RUN_DIR)"
