# What this workspace can do. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
# Which app `make run` starts, and what it is told: make run APP=login-process ARGS='--config my.toml'
APP ?= memory-session
ARGS ?=
APPS := $(sort $(patsubst apps/%/src/main.rs,%,$(wildcard apps/*/src/main.rs)))
# How many cases each fuzz target gets.
FUZZ_CASES ?= 1000000

# Targets added later live in files of their own.
-include mk/*.mk

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## "; print "usage: make <target>\n" } \
		/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 } \
		END { print "\napps: $(APPS)" }' \
		$(MAKEFILE_LIST)

.PHONY: run
run: ## start an app: make run [APP=memory-session]; MySQL and Redis apps bring a private server
	@scripts/run-app '$(APP)' $(ARGS)

.PHONY: test
test: ## everything that needs no server and no browser
	$(CARGO) build --workspace --bins --tests
	APPS_ARE_BUILT=1 $(CARGO) test --workspace

.PHONY: test-all
test-all: deps ## format, lints, docs and every test, with servers and browser: what CI runs
	@scripts/test-all

.PHONY: test-servers
test-servers: deps ## the tests of the stores and apps against private servers
	@scripts/test-servers

.PHONY: lint
lint: ## format, clippy per package, docs; warnings are errors
	@scripts/lint

.PHONY: audit
audit: ## licences, bans and sources of dependencies; unused dependencies
	@scripts/audit

.PHONY: fuzz
fuzz: ## FUZZ_CASES=1000000 random inputs for each of core's property tests
	FUZZ_CASES=$(FUZZ_CASES) $(CARGO) test --release -p express-session-core --test it fuzz

.PHONY: deps
deps: ## install what is missing: Redis, MariaDB, Chromium, the Node packages of the tests
	@scripts/install-deps
