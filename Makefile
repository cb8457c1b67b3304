# `make help` lists what there is. Everything runs from a clean clone: Go and, for the tests, apt are all it needs.

# Go's own installer does not put it on PATH, and a build machine has no login shell to do so.
export PATH := $(PATH):/usr/local/go/bin

GO       ?= go
# The developers' tools have a mod file of their own, so that go.mod lists only what ships.
TOOL     := $(GO) tool -modfile=tools/go.mod
OUT      := build
# How long each fuzz target runs under `make fuzz`.
FUZZTIME ?= 30s
# What a whole test run may take; a hung test then ends with its stack instead of the build machine's patience.
TIMEOUT  ?= 14m
# Passed on by `make bench`, for example BENCH='-run incrby -quick'.
BENCH    ?=

.DEFAULT_GOAL := help
.PHONY: help build deps test lint race fuzz torture bench pgo cover generate deadcode clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## a static binary: build/quipu
	CGO_ENABLED=0 $(GO) build -trimpath -o $(OUT)/quipu .

deps: ## install what the tests need through apt, where it is missing
	@sh tools/apt-deps.sh

# The tests run after the lint, so that the last lines are the test runner's.
test: deps lint ## lint, then every test; nothing is skipped, nothing comes from the cache
	@sh tools/test.sh -count=1 -timeout=$(TIMEOUT) ./...

lint: ## formatting, vet, staticcheck, the import map, generated files
	@sh tools/lint.sh

race: deps ## the race detector over the packages that run goroutines
	$(GO) test -race -short -count=1 -timeout=$(TIMEOUT) ./server/... ./engine/... ./persist/...

fuzz: ## every fuzz target for FUZZTIME (30s)
	@FUZZTIME=$(FUZZTIME) sh tools/fuzz.sh

torture: deps ## the long campaigns: power cuts, kill -9, differential; hours
	QUIPU_TORTURE=1 $(GO) test -count=1 -timeout=0 -v ./...

bench: deps ## Quipu and redis-server in turn on the same load; BENCH='-help' lists the options
	$(GO) run ./compat_test/bench $(BENCH)

pgo: deps ## default.pgo anew: the CPU profile by which the compiler optimises, of all loads of the bench
	$(GO) run ./compat_test/bench -profile default.pgo

cover: deps ## coverage of all tests together: build/cover.html and the total
	@mkdir -p $(OUT)
	$(GO) test -count=1 -timeout=$(TIMEOUT) -coverpkg=./... -coverprofile=$(OUT)/cover.out ./...
	$(GO) tool cover -html=$(OUT)/cover.out -o $(OUT)/cover.html
	@$(GO) tool cover -func=$(OUT)/cover.out | tail -n 1

generate: ## write anew what follows from the command and parameter tables
	$(GO) generate ./...

deadcode: ## functions that neither the binary nor a test can reach
	$(TOOL) deadcode -test ./...

clean: ## remove build/
	rm -rf $(OUT)
