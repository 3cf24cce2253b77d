# dvproxy's chores. `make` alone says what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The version is the linker's where it is given, else what Go finds in the repository.
VERSION ?=
LDFLAGS := -s -w $(if $(VERSION),-X main.release=$(VERSION))
# The other systems that the program is for; their code is checked, not run.
SYSTEMS := windows darwin
TESTFLAGS ?= -timeout 10m
FUZZTIME ?= 30s
SOAK ?= 5m
SOAKFLAGS ?=
BENCHFLAGS ?=
COMPAREFLAGS ?=
RELEASEFLAGS ?=
# The race detector needs a C compiler. CI has one, or fails.
RACE := $(if $(or $(CI),$(shell command -v gcc cc clang)),-race)
# Packages with a test function of some kind: $(call having,Fuzz).
having = $$(grep -rlE '^func $(1)[A-Z]' --include='*_test.go' cmd internal e2e | xargs -rn1 dirname | sort -u | sed 's|^|./|')

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Show the main job: one overnight push without dvproxy, and one with it (25 s)
	@go run ./cmd/demo

soak: ## Drive dvproxy through every fault for SOAK (5m); SOAKFLAGS='-race' or '-seed 7'
	@go run ./cmd/soak -duration $(SOAK) $(SOAKFLAGS)

build: ## Build bin/dvproxy, a static program
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/dvproxy ./cmd/proxy

test: vet clients ## Test everything, the race detector on; in CI what is deployed too
	@$(if $(RACE),,echo 'note: no C compiler, so the race detector is off; "make setup" as root installs one')
	go test -vet=off $(RACE) $(TESTFLAGS) ./...
	@$(if $(CI),$(MAKE) test-deploy)

test-deploy: ## Test what is in deploy/, in containers, under systemd and wine (Debian, as root)
	@deploy/testing/all.sh

vet: ## Check that it builds for Linux, Windows and macOS, tests too
	go vet ./...
	@for os in $(SYSTEMS); do \
	  echo "GOOS=$$os go vet ./... and go build ./..."; \
	  CGO_ENABLED=0 GOOS=$$os go vet ./...; \
	  CGO_ENABLED=0 GOOS=$$os go build ./...; \
	done

clients: e2e/client/node_modules/.package-lock.json e2e/msal/node_modules/.package-lock.json

# The JavaScript clients that the tests drive, as their lock files say.
e2e/%/node_modules/.package-lock.json: e2e/%/package.json e2e/%/package-lock.json
	@command -v npm >/dev/null || { echo 'npm is missing: "make setup" as root installs it, or install Node.js 20 or later' >&2; exit 1; }
	npm ci --prefix e2e/$* --no-audit --no-fund --loglevel=error
	@touch $@

cover: ## Test, and say how much of the code ran (bin/cover.html shows where)
	@mkdir -p bin
	go test $(TESTFLAGS) -coverpkg=./internal/...,./cmd/... -coverprofile=bin/cover.out ./...
	@go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -1

lint: bin/golangci-lint ## Check style, formatting and the module files (5 minutes the first time)
	bin/golangci-lint run
	GOOS=windows bin/golangci-lint run
	go mod tidy -diff
	go mod verify
	cd tools/manifests && ../../bin/golangci-lint run && go mod tidy -diff

# Pinned by tools/go.mod. A module of its own keeps 200 modules out of ours.
bin/golangci-lint: tools/go.mod tools/go.sum
	cd tools && go build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bench: ## Run every benchmark (BENCHFLAGS='-count 10' for benchstat)
	@go test -run '^$$' -bench . -benchmem $(BENCHFLAGS) $(call having,Benchmark)

compare: ## Run dvproxy side by side with nginx, HAProxy and Caddy (COMPAREFLAGS='--help')
	@go run ./bench $(COMPAREFLAGS)

fuzz: ## Fuzz every target for FUZZTIME (30s) each
	@for pkg in $(call having,Fuzz); do \
	  targets=$$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); \
	  for target in $$targets; do \
	    echo "$$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg; \
	  done; \
	done

release: bin/nfpm ## Make what a release consists of in dist/: VERSION=v0.1.0, or this commit's tag
	rm -rf dist
	@go run ./cmd/release -version '$(VERSION)' $(RELEASEFLAGS)

release-check: bin/nfpm ## Make a release twice, in clones that share nothing: the same bytes? (RELEASEFLAGS='-only linux/amd64')
	@deploy/packages/twice.sh $(RELEASEFLAGS)

# Pinned by tools/nfpm/go.mod, beside the linter's: neither moves the other's modules.
bin/nfpm: tools/nfpm/go.mod tools/nfpm/go.sum
	cd tools/nfpm && go build -o ../../$@ github.com/goreleaser/nfpm/v2/cmd/nfpm

setup: ## Install what the tests need beside Go (Debian, as root)
	@.ci/setup

clean: ## Remove what was built
	rm -rf bin dist e2e/*/node_modules

.PHONY: help demo soak build test test-deploy vet clients cover lint bench compare fuzz release release-check setup clean
