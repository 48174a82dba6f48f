# The simulation of a fleet: tests/simulation.

SEEDS ?= 1000000
# Which planted bugs are tried: a part of their names.
BUG ?=

.PHONY: sim
sim: ## SEEDS=1000000 runs of a simulated fleet, each decided by its seed
	$(CARGO) run --quiet --release -p express-session-simulation -- --seeds $(SEEDS) $(ARGS)

.PHONY: sim-planted
sim-planted: ## plants two dozen bugs, one at a time: the simulation finds each [BUG=renew]
	@scripts/sim-planted 100000 '$(BUG)'

.PHONY: mutants
mutants: ## changes the code where a wrong sign would break a promise: a test must notice each change
	@command -v cargo-mutants > /dev/null || $(CARGO) install --quiet --locked cargo-mutants
	$(CARGO) mutants --package express-session-core $(ARGS) -- --skip fuzz
