# The interop lab: the real Node packages beside ours. `docs/INTEROP.md` says what is compared.

# Which store, and which script: make interop-replay STORE=redis SEED=12, or SCRIPT='{…}' as a run has printed it.
STORE ?=
SEED ?= 1
SCRIPT ?=
# How many scripts per store.
SEQUENCES ?= 2000
LAB = $(CARGO) run -q -p express-session-interop --bin interop --

.PHONY: interop
interop: deps ## 2000 random scripts per store on Node, on Rust and on both: make interop [STORE=redis] [SEED=1]
	$(LAB) run $(if $(STORE),--store $(STORE)) --sequences $(SEQUENCES) --seed $(SEED)

.PHONY: interop-replay
interop-replay: deps ## one script, step by step: make interop-replay STORE=redis SEED=12
	$(LAB) replay --store $(or $(STORE),memory) $(if $(SCRIPT),--script '$(SCRIPT)',--seed $(SEED))

.PHONY: fleet
fleet: deps ## a Node and a Rust server on one Redis behind a proxy, to watch in a browser
	$(CARGO) run -q -p express-session-interop --bin fleet

.PHONY: fleet-check
fleet-check: deps ## the same by itself: nobody is logged out when Node goes; takes docs/images/fleet.png
	$(CARGO) run -q -p express-session-interop --bin fleet -- --check docs/images/fleet.png

.PHONY: record-vectors
record-vectors: deps ## records the vectors again from the installed packages; fails if a byte has changed (WRITE=1 keeps it)
	npm run --silent --prefix tests/interop/node record $(if $(WRITE),-- --write)
