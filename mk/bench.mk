# The benchmarks: a workspace of its own under tests/benchmarks. Its README says what is measured and how.

# What to compare: make bench WHAT=redis. RESULTS=file.json adds to an earlier run.
WHAT ?= all
RESULTS ?= .run/benchmarks/$(WHAT).json
BENCH_FOLDER := tests/benchmarks
# One target folder for its three builds; BENCH_TARGET=… puts it elsewhere.
BENCH_TARGET ?= $(or $(CARGO_TARGET_DIR),$(CURDIR)/$(BENCH_FOLDER)/target)
BENCH := $(BENCH_TARGET)/release/bench
BENCH_BUILD := cd $(BENCH_FOLDER) && $(CARGO) build --quiet --release --locked --target-dir $(BENCH_TARGET)
comma := ,
BENCH_STORES = $(if $(filter all,$(WHAT)),memory$(comma)redis$(comma)mysql$(comma)file,$(WHAT))

# Servers are built one package at a time: built together, the peers' features would get into ours.
.PHONY: bench-build bench-build-guard bench-build-harness
bench-build-harness:
	@$(BENCH_BUILD) -p express-session-benchmarks
bench-build-guard: bench-build-harness
	@scripts/install-bench-deps guard
	@$(BENCH_BUILD) -p benchmark-ours
bench-build: bench-build-guard
	@scripts/install-bench-deps
	@$(BENCH_BUILD) -p benchmark-peers

.PHONY: bench
bench: bench-build ## sessions side by side: make bench [WHAT=memory|redis|mysql|file|all]
	@$(BENCH) run --what $(BENCH_STORES) --into $(RESULTS) $(ARGS)

.PHONY: bench-quick
bench-quick: bench-build ## the same in five minutes: memory, few rounds
	@$(BENCH) run --quick --what memory --into .run/benchmarks/quick.json $(ARGS)

.PHONY: bench-guard
bench-guard: bench-build-guard ## fails if a request costs more than the numbers kept in the tree (KEEP=1 keeps new ones)
	@$(BENCH) guard $(if $(KEEP),--keep) $(ARGS)

# The run that the page is made from, and the one it is compared with.
FROM ?= $(BENCH_FOLDER)/results/latest.json
BEFORE ?= $(wildcard $(BENCH_FOLDER)/results/before.json)
.PHONY: bench-docs
bench-docs: bench-build-harness ## docs/BENCHMARKS.md and its plots from a run: make bench-docs [FROM=results.json]
	@$(BENCH) docs --from $(FROM) $(if $(BEFORE),--before $(BEFORE)) --to docs

.PHONY: bench-micro
bench-micro: ## criterion's benchmarks of single steps inside the crates
	$(CARGO) bench --workspace --benches
