# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS     += --no-print-directory

# Every go.mod stands alone: what is built here is what a user of one module
# gets. go.work is for editors.
export GOWORK := off

VERSION := $(shell sed -n 's/^  version: //p' builder-config.yaml)
ROOT    := $(CURDIR)
CACHE   := $(ROOT)/.cache
# Overridden by the drift check, which runs "generate" in a copy of the tree.
TOOLS   := $(ROOT)/.tools

DIST         := distribution/otelcol-feedback
TEST_MODULES := . api internal/tools/inventory internal/tools/release
GO_MODULES   := $(TEST_MODULES) testbed distribution/kubernetes/test
TIDY_MODULES := $(GO_MODULES) internal/tools internal/tools/buf internal/tools/lint internal/tools/actionlint internal/tools/helm internal/tools/kubernetes

# Release binaries: no cgo, so that they run in an empty image; no build path
# and no revision, so that the same sources give the same bytes.
BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false

# What is looked into, and the folders it was built from.
BINARIES  := bin/otelcol-feedback=$(DIST) bin/feedbackctl=cmd/feedbackctl
INVENTORY  = $(TOOLS)/inventory -version $(VERSION)

# What a release is built for, and the time of its files: that of the commit.
PLATFORMS   ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
SOURCE_DATE  = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || echo 0))

# Bounds of the long targets, for the command line: make fuzz FUZZTIME=5m
FUZZTIME  ?= 30s
BENCH     ?= .
BENCHTIME ?= 1s
COUNT     ?= 1

##@ Everyday

.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

.PHONY: build
build: bin/otelcol-feedback bin/feedbackctl ## Build bin/otelcol-feedback and bin/feedbackctl

.PHONY: run
run: build ## Start the quick start: the collector with a broker inside
	@scripts/run.sh

.PHONY: test
test: test-unit test-ratios check-generated test-kafka ## Units with -race, what an event costs, drift of generated code, one Apache Kafka node

.PHONY: verify
verify: test-unit test-ratios check-generated test-kafka-once test-hostile-once test-observability-once test-faults-once test-helm-once fuzz test-container test-sbom test-docs ## test, and all that takes longer: attacks, alerts, faults, fuzzing, the container image

.PHONY: lint
lint: lint-headers lint-workflows lint-sleeps lint-proto lint-tidy lint-go ## Linters, module files, licence headers

.PHONY: generate
generate: generate-api generate-go generate-distribution generate-kubernetes ## Write all generated code

.PHONY: bench
bench: ## Run the benchmarks and print what an event costs (BENCH=regexp COUNT=n); compare two runs with make bench-compare
	@BENCH='$(BENCH)' BENCHTIME=$(BENCHTIME) COUNT=$(COUNT) scripts/bench.sh $(GO_MODULES)
	@BENCH=process go test -count=1 -v -run '^TestFigures$$' ./internal/wholepath

.PHONY: docs
docs: ## Build the documentation as a site in .cache/docs/site (needs Python 3)
	@scripts/docs.sh

.PHONY: hooks
hooks: ## Enable the pre-commit hook in this clone
	git config core.hooksPath .githooks

.PHONY: clean
clean: ## Remove what was built; downloads and tools stay (make distclean removes them too)
	rm -rf bin $(CACHE)/drift $(CACHE)/bench $(CACHE)/passed $(CACHE)/buildah

.PHONY: distclean
distclean: clean ## Remove downloads and tools as well
	rm -rf $(CACHE) $(TOOLS)

# go build itself knows what is up to date.
.PHONY: bin/otelcol-feedback
bin/otelcol-feedback:
	@mkdir -p bin
	cd $(DIST) && $(BUILD) -ldflags '-s -w' -o $(ROOT)/$@ .

.PHONY: bin/feedbackctl
bin/feedbackctl:
	@mkdir -p bin
	$(BUILD) -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/feedbackctl

##@ Parts of test and verify

.PHONY: test-unit
test-unit: ## Unit tests of the components, with -race
	@for module in $(TEST_MODULES); do \
	  echo "== go test -race in $$module"; \
	  (cd $$module && go test -race -timeout 10m ./...); \
	done

.PHONY: test-ratios
test-ratios: ## What an event costs in process, as ratios and allocations: no clock of the machine's
	go test -count=1 -v -run '^(TestRatios|TestAllocations)$$' ./internal/wholepath

.PHONY: check-generated
check-generated: tools-generate ## Fail if generated code differs from what make generate writes
	@TOOLS=$(TOOLS) scripts/check-generated.sh

.PHONY: test-kafka
test-kafka: build kafka-libs ## Tests of the binary on one Apache Kafka node
	@scripts/test-kafka.sh

.PHONY: test-kafka-once
test-kafka-once: build kafka-libs # the same, unless exactly these inputs have passed before
	@scripts/test-kafka.sh --once

.PHONY: test-hostile
test-hostile: build ## Attack the binary: slow, greedy, lying and forging clients (Linux)
	@scripts/test-hostile.sh

.PHONY: test-hostile-once
test-hostile-once: build # the same, unless exactly these inputs have passed before
	@scripts/test-hostile.sh --once

.PHONY: test-helm
test-helm: build $(TOOLS)/helm ## Lint, render and decode the Helm chart; its configurations in the binary
	@scripts/kubernetes-crds.sh
	@scripts/test-kubernetes.sh helm

.PHONY: test-helm-once
test-helm-once: build $(TOOLS)/helm # the same, unless exactly these inputs have passed before
	@scripts/kubernetes-crds.sh
	@scripts/test-kubernetes.sh helm --once

.PHONY: test-kubernetes
test-kubernetes: build kafka-libs $(TOOLS)/helm $(TOOLS)/kube-apiserver $(TOOLS)/etcd ## The chart on a real kube-apiserver, and a pod scaled down with a full spool
	@scripts/kubernetes-crds.sh
	@scripts/test-kubernetes.sh kubernetes

.PHONY: test-kubernetes-once
test-kubernetes-once: build kafka-libs $(TOOLS)/helm $(TOOLS)/kube-apiserver $(TOOLS)/etcd # the same, unless exactly these inputs have passed before
	@scripts/kubernetes-crds.sh
	@scripts/test-kubernetes.sh kubernetes --once

.PHONY: test-observability
test-observability: build kafka-libs prometheus ## Alerts and dashboards on a real Prometheus, while things break (FEEDBACK_IMAGES=folder draws them)
	@scripts/test-observability.sh

.PHONY: test-observability-once
test-observability-once: build kafka-libs prometheus # the same, unless exactly these inputs have passed before
	@scripts/test-observability.sh --once

.PHONY: prometheus
prometheus: # prometheus and promtool in .cache/prometheus
	@scripts/prometheus.sh

.PHONY: test-faults
test-faults: build kafka-libs ## Short form of the table of faults, on three brokers (FAULTS=regexp picks rows)
	@scripts/test-faults.sh short

.PHONY: test-faults-once
test-faults-once: build kafka-libs # the same, unless exactly these inputs have passed before
	@scripts/test-faults.sh short --once

.PHONY: chaos
chaos: build kafka-libs ## The table of faults in full, on two versions of Kafka; writes docs/faults.md
	@scripts/kafka-libs.sh 3.9
	@scripts/test-faults.sh long

.PHONY: bench-delivery
bench-delivery: build kafka-libs ## What the delivery modes cost, and how fast a spool drains; writes docs/delivery.md
	@scripts/test-faults.sh costs

.PHONY: bench-process
bench-process: ## What an event costs in process; writes docs/performance.md
	@BENCH=process BENCH_GOALS='$(GOALS)' BENCH_PAGE='$(ROOT)/docs/performance.md' \
	  go test -count=1 -v -run '^TestFigures$$' ./internal/wholepath

.PHONY: bench-peers
bench-peers: build kafka-libs ## The collector beside a stock one and the least that could do; writes docs/performance.md
	@scripts/bench-load.sh peers

.PHONY: bench-load
bench-load: build kafka-libs ## Rates, times, memory and cost curves; writes docs/performance.md (LOAD=regexp picks)
	@scripts/bench-load.sh load

.PHONY: profile
profile: build kafka-libs ## Measure the collector under load for the compiler; writes default.pgo
	@scripts/profile.sh

.PHONY: soak
soak: build kafka-libs ## Half an hour of steady load: nothing may grow (SOAK=5m)
	@scripts/bench-load.sh soak

.PHONY: kafka-libs
kafka-libs: ## Fetch Apache Kafka's jars into .cache/kafka/libs
	@scripts/kafka-libs.sh

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME (30s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh $(GO_MODULES)

.PHONY: rootfs
rootfs: build $(TOOLS)/inventory ## Lay out the container image's files in bin/rootfs
	@$(INVENTORY) -sbom bin/sbom -notices bin/THIRD_PARTY_LICENSES $(BINARIES)
	@scripts/rootfs.sh

.PHONY: test-container
test-container: rootfs kafka-libs ## Build the image's final stage from bin/ and run what is in it (needs buildah)
	@testbed/container_test.sh

.PHONY: packages
packages: build $(TOOLS)/inventory $(TOOLS)/release ## Build .deb and .rpm for this processor in bin/packages
	@scripts/stage.sh bin/stage $(VERSION) linux/$$(go env GOARCH)
	@rm -rf bin/packages
	@$(TOOLS)/release -version $(VERSION) -time $(SOURCE_DATE) -stage bin/stage -out bin/packages -archives=false linux/$$(go env GOARCH)

.PHONY: test-packages
test-packages: build kafka-libs $(TOOLS)/inventory $(TOOLS)/release ## Install, upgrade and remove the .deb and the .rpm on a Debian system under systemd (Linux, root)
	@scripts/test-packages.sh

.PHONY: release-snapshot
release-snapshot: $(TOOLS)/inventory $(TOOLS)/release ## Build all that a release publishes in bin/release (PLATFORMS="linux/amd64 …")
	@scripts/stage.sh bin/stage $(VERSION) $(PLATFORMS)
	@rm -rf bin/release
	@$(TOOLS)/release -version $(VERSION) -time $(SOURCE_DATE) -stage bin/stage -out bin/release $(PLATFORMS)

.PHONY: test-release
test-release: release-snapshot ## Look into what release-snapshot made, run it, and make it again: the same bytes
	@PLATFORMS='$(PLATFORMS)' SOURCE_DATE=$(SOURCE_DATE) scripts/test-release.sh $(VERSION)

.PHONY: sbom
sbom: build $(TOOLS)/inventory ## What is in the binaries: bin/sbom/*.cdx.json (CycloneDX)
	@$(INVENTORY) -sbom bin/sbom $(BINARIES)

.PHONY: licenses
licenses: build $(TOOLS)/inventory ## List the licences of all that is linked; write bin/THIRD_PARTY_LICENSES
	@$(INVENTORY) -list -notices bin/THIRD_PARTY_LICENSES $(BINARIES)

.PHONY: test-sbom
test-sbom: build $(TOOLS)/inventory # what the two above write is what "go version -m" says
	@$(INVENTORY) -sbom bin/sbom -notices bin/THIRD_PARTY_LICENSES $(BINARIES)
	@cd internal/tools/inventory && INVENTORY_BIN=$(ROOT)/bin INVENTORY_VERSION=$(VERSION) \
	  go test -count=1 -run TestBuiltBinaries .

.PHONY: test-docs
test-docs: ## Build the site strictly, and look at it in Chromium (FEEDBACK_IMAGES=folder keeps pictures)
	@scripts/test-docs.sh

.PHONY: cover
cover: ## Statement coverage per package
	go test -cover ./...

.PHONY: pii
pii: ## How well redaction finds: a table for the hard set, and for PII_TEXTS=files.jsonl
	@go run ./internal/piieval/cmd/pii-eval -regexes $(PII_FLAGS)
	@$(if $(PII_TEXTS),go run ./internal/piieval/cmd/pii-eval -regexes $(PII_FLAGS) $(PII_TEXTS))

.PHONY: pii-presidio
pii-presidio: ## The same for Presidio's pattern recognisers, installed into .cache (needs Python 3.11)
	@scripts/pii-presidio.sh

.PHONY: bench-compare
bench-compare: $(TOOLS)/benchstat ## Compare the last two runs of make bench
	@$(TOOLS)/benchstat $(CACHE)/bench/previous.txt $(CACHE)/bench/latest.txt

##@ Parts of lint and generate

.PHONY: lint-go
lint-go: $(TOOLS)/golangci-lint ## golangci-lint on every module, tests included
	@status=0; for module in $(GO_MODULES); do \
	  echo "== golangci-lint in $$module"; \
	  (cd $$module && $(TOOLS)/golangci-lint run --allow-parallel-runners --config $(ROOT)/.golangci.yml ./...) || status=1; \
	done; exit $$status

.PHONY: lint-workflows
lint-workflows: $(TOOLS)/actionlint ## actionlint on .github/workflows; every action pinned by its commit
	@$(TOOLS)/actionlint -shellcheck= -pyflakes=
	@scripts/check-actions.sh

.PHONY: lint-proto
lint-proto: $(TOOLS)/buf ## buf lint and format check of the protobuf files
	cd api && $(TOOLS)/buf lint && $(TOOLS)/buf format --diff --exit-code

.PHONY: lint-tidy
lint-tidy: ## Fail if a go.mod or go.sum is not tidy
	@status=0; for module in $(TIDY_MODULES); do \
	  echo "== go mod tidy -diff in $$module"; \
	  (cd $$module && go mod tidy -diff) || status=1; \
	done; exit $$status

.PHONY: lint-headers
lint-headers: ## Fail if a file lacks its licence header
	@scripts/check-headers.sh

.PHONY: lint-sleeps
lint-sleeps: ## Fail if a test sleeps outside a testing/synctest bubble
	@scripts/check-sleeps.sh

.PHONY: generate-api
generate-api: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc # stubs of the gRPC service
	cd api && PATH="$(TOOLS):$$PATH" buf generate

.PHONY: generate-go
generate-go: $(TOOLS)/mdatagen # metadata of the components, and every other go:generate line
	PATH="$(TOOLS):$$PATH" go generate ./...

.PHONY: generate-distribution
generate-distribution: $(TOOLS)/builder # the program that builder-config.yaml describes
	$(TOOLS)/builder --skip-compilation --config builder-config.yaml
	gofmt -w $(DIST)/*.go

.PHONY: generate-kubernetes
generate-kubernetes: $(TOOLS)/helm # the chart's copies and table of values, and the plain manifests
	TOOLS=$(TOOLS) scripts/kubernetes-manifests.sh

# --- Tools: pinned in internal/tools, compiled when a target needs them -------

.PHONY: tools-generate
tools-generate: $(addprefix $(TOOLS)/,builder mdatagen buf protoc-gen-go protoc-gen-go-grpc helm)

tool = cd $(1) && go build -trimpath -buildvcs=false -o $(TOOLS)/ $(2) && touch $(TOOLS)/$(notdir $(2))

$(TOOLS)/builder: internal/tools/go.mod
	$(call tool,internal/tools,go.opentelemetry.io/collector/cmd/builder)
$(TOOLS)/mdatagen: internal/tools/go.mod
	$(call tool,internal/tools,go.opentelemetry.io/collector/cmd/mdatagen)
$(TOOLS)/protoc-gen-go: internal/tools/go.mod
	$(call tool,internal/tools,google.golang.org/protobuf/cmd/protoc-gen-go)
$(TOOLS)/protoc-gen-go-grpc: internal/tools/go.mod
	$(call tool,internal/tools,google.golang.org/grpc/cmd/protoc-gen-go-grpc)
$(TOOLS)/benchstat: internal/tools/go.mod
	$(call tool,internal/tools,golang.org/x/perf/cmd/benchstat)
$(TOOLS)/buf: internal/tools/buf/go.mod
	$(call tool,internal/tools/buf,github.com/bufbuild/buf/cmd/buf)
$(TOOLS)/inventory: internal/tools/inventory/go.mod $(wildcard internal/tools/inventory/*.go)
	$(call tool,internal/tools/inventory,github.com/otelcol-feedback/otelcol-feedback/internal/tools/inventory)
$(TOOLS)/release: internal/tools/release/go.mod $(wildcard internal/tools/release/*.go)
	$(call tool,internal/tools/release,github.com/otelcol-feedback/otelcol-feedback/internal/tools/release)
$(TOOLS)/actionlint: internal/tools/actionlint/go.mod
	$(call tool,internal/tools/actionlint,github.com/rhysd/actionlint/cmd/actionlint)
# These three take minutes to compile. Helm is told which Kubernetes to render for,
# as its own releases are.
kubernetes_of_helm := $(foreach in,pkg/chartutil pkg/lint/rules,-X helm.sh/helm/v3/$(in).k8sVersionMajor=1 -X helm.sh/helm/v3/$(in).k8sVersionMinor=34)
$(TOOLS)/helm: internal/tools/helm/go.mod
	cd internal/tools/helm && go build -trimpath -buildvcs=false -ldflags '-s -w $(kubernetes_of_helm)' -o $@ helm.sh/helm/v3/cmd/helm
	@touch $@
$(TOOLS)/kube-apiserver: internal/tools/kubernetes/go.mod
	cd internal/tools/kubernetes && go build -trimpath -buildvcs=false -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.2' -o $@ k8s.io/kubernetes/cmd/kube-apiserver
	@touch $@
$(TOOLS)/etcd: internal/tools/kubernetes/go.mod
	cd internal/tools/kubernetes && go build -trimpath -buildvcs=false -ldflags '-s -w' -o $@ go.etcd.io/etcd/server/v3
	@touch $@
# Takes minutes to compile.
$(TOOLS)/golangci-lint: internal/tools/lint/go.mod
	$(call tool,internal/tools/lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
