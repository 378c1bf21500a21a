# The only automation surface. At most 20 targets; the work is in infra/scripts.

# Port, password and keys of local servers, and everything else that a checkout may lose.
export LOCAL_DIR := $(abspath $(or $(LOCAL_DIR),.local))

.DEFAULT_GOAL := help
.PHONY: help run processes test check fmt ci ci-full prepare stop clean-local schemathesis bench chaos terraform-check

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the whole backend in one process, with its own PostgreSQL; nothing to set up
	@infra/scripts/run.sh

processes: ## the same, every function a process of its own behind Caddy
	@infra/scripts/processes.sh

test: ## every test against a real database; TESTS=name picks by name
	@infra/scripts/test.sh $(TESTS)

check: ## formatting and lints, the quickest answer
	@cargo fmt --all -- --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## formats the Rust code
	@cargo fmt --all

ci: ## what every change must pass before it lands
	@infra/scripts/ci.sh landing

ci-full: ## the same and the long proofs, required before a deployment; STEP=name runs one (STEP=list names them)
	@infra/scripts/ci.sh $(or $(STEP),full)

prepare: ## renews every generated file: .sqlx, openapi.json, permission matrix, schema
	@infra/scripts/prepare-sqlx.sh
	@infra/scripts/generate.sh

stop: ## stops the local servers
	@infra/scripts/stop.sh

clean-local: ## stops them and forgets their data
	@infra/scripts/clean-local.sh

schemathesis: ## property tests of the running backend against its own OpenAPI document
	@infra/scripts/schemathesis.sh

bench: ## throughput, latency, memory and start-up beside pgbench; renews docs/performance.md
	@infra/bench/bench.sh

chaos: ## kills the platform 200 times under load and looks for losses; SHARE=5 for a quick look
	@infra/bench/chaos.sh

terraform-check: ## both clouds against the real providers, and checkov
	@infra/scripts/terraform.sh real
