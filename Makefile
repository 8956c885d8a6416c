# winback: make help lists what there is.
SHELL := /bin/bash
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help build engine demo test check format vet lint bench docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, bin/winback
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/winback ./cmd/winback

engine: ## the embedded ClickHouse, once, into .engine
	@deploy/engine/install.sh

demo: build engine ## a made-up company in ./demo, from its files to churn numbers
	bin/winback demo --dir demo

# The tests make and remove hundreds of thousands of small files, which a disk in
# memory does in half the time: they go there if it has room and runs programs.
# Database servers that tests start are other users; to them it is open as /tmp is.
# The two packages that take longest go first, so that neither is waited for alone.
# A third beside them has the processors busy while others wait for a clock or a disk.
# Nobody debugs these binaries: without tables for it they are linked in half the time.
test: engine ## every test
	@if ram=$$(mktemp -d /dev/shm/winback-test-XXXXXX 2>/dev/null); then \
		chmod 1777 "$$ram"; \
		trap 'for try in 1 2 3; do rm -rf "$$ram" 2>/dev/null && break; sleep 1; done' EXIT; \
		if awk '/^MemAvailable/ {exit $$2 < 8*2^20}' /proc/meminfo && \
			[ "$$(df --output=avail /dev/shm | tail -n 1)" -gt $$((4*2**20)) ] && \
			cp "$$(type -P true)" "$$ram" && "$$ram/true" 2>/dev/null; then export TMPDIR=$$ram; fi; \
	fi; \
	go test -p 3 -ldflags='-s -w' -timeout 20m ./sql ./cmd/winback ./...

check: format vet lint test ## what must be green before a commit

format:
	@unformatted=$$(gofmt -l cmd connectors pipelines sql dashboards deploy 2>/dev/null); \
	if [ -n "$$unformatted" ]; then echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; fi

vet:
	go vet ./...

lint:
	go tool staticcheck ./...

bench: build engine ## throughput beside the engine's own, and the whole road
	go test -run '^$$' -bench . -benchtime 1x -timeout 90m ./pipelines/bench

docs: ## regenerate the reference pages from the program
	go test ./connectors/entity ./connectors/all ./dashboards/grafana ./cmd/winback -run 'Reference' -update

clean: ## remove what make made; the engine stays (rm -r .engine removes it)
	rm -rf bin demo
