// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"go.opentelemetry.io/collector/extension/extensioncapabilities"
)

// Types of components that the checks know.
const (
	typeFeedback      = "feedback"
	typeOTLP          = "otlp"
	typeAdmission     = "feedbackadmission"
	typeBatch         = "batch"
	typeFeedbackKafka = "feedbackkafka"
)

// NotifyConfigSnapshot implements extensioncapabilities.ConfigSnapshotWatcher.
// It checks what no component can see alone. An error keeps the collector from
// starting: it comes after the extensions have started and before the pipelines do.
func (e *runtimeExtension) NotifyConfigSnapshot(ctx context.Context, snapshot extensioncapabilities.ConfigSnapshot) error {
	conf := snapshot.Effective()
	if conf == nil {
		return nil
	}
	whole := wholeConfig(conf.ToStringMap())
	e.transports = whole.transports()
	if e.ingestion != nil {
		e.ingestion.begin(ctx, e.transports)
	}
	e.configured.Lock()
	e.certificates = whole.certificateFiles()
	e.memoryLimit = whole.memoryLimit(availableMemory("/"))
	if e.collectMore == nil {
		e.collectMore = collectLess(e.memoryLimit, os.LookupEnv)
	}
	e.configured.Unlock()
	self := "extensions::" + e.id.String()
	if err := errors.Join(slices.Concat(
		checkRequests(whole, e.cfg, self),
		checkBatches(whole, e.cfg, self),
		checkSpool(whole, e.cfg, self),
		checkPorts(whole),
		checkSampling(whole),
	)...); err != nil {
		return err
	}
	return errors.Join(e.checkMachine(ctx, whole)...)
}

// checkRequests finds receivers that take requests which the account could
// never hold.
func checkRequests(whole wholeConfig, cfg *Config, self string) []error {
	var errs []error
	for _, id := range whole.used("receivers", typeFeedback, typeOTLP) {
		for _, protocol := range []string{"http", "grpc"} {
			path := []string{"receivers", id, "protocols", protocol}
			errs = append(errs,
				atMost(whole, append(path, "max_request_events"), 1, self+"::capacity", float64(cfg.Capacity)),
				atMost(whole, append(path, "max_request_body_size"), 1, self+"::max_bytes", float64(cfg.MaxBytes)),
				atMost(whole, append(path, "max_recv_msg_size_mib"), 1<<20, self+"::max_bytes", float64(cfg.MaxBytes)))
		}
	}
	return errs
}

// checkBatches finds batch processors in front of which the account is full
// before a batch is.
func checkBatches(whole wholeConfig, cfg *Config, self string) []error {
	var errs []error
	for _, id := range whole.batchesOfEvents() {
		for _, key := range []string{"send_batch_size", "send_batch_max_size"} {
			errs = append(errs, atMost(whole, []string{"processors", id, key}, 1, self+"::capacity", float64(cfg.Capacity)))
		}
	}
	return errs
}

// atMost returns an error if the number at path, times unit, exceeds limit.
func atMost(whole wholeConfig, path []string, unit float64, limitKey string, limit float64) error {
	value, ok := number(whole.at(path...))
	if !ok || value*unit <= limit {
		return nil
	}
	return fmt.Errorf("%s (%v) must not exceed %s (%v)", key(path...), whole.at(path...), limitKey, int64(limit))
}

// checkSpool finds an exporter whose spool would take over only after waiting
// requests have been refused.
func checkSpool(whole wholeConfig, cfg *Config, self string) []error {
	var errs []error
	for _, id := range whole.used("exporters", typeFeedbackKafka) {
		if spool, known := whole.get("exporters", id, "spool"); known && empty(section(spool)["directory"]) {
			continue // there is none
		}
		after, ok := duration(whole.at("exporters", id, "spool_after"))
		if ok && cfg.EnqueueTimeout <= after {
			errs = append(errs, fmt.Errorf("%s::enqueue_timeout (%v) must exceed %s (%v)",
				self, cfg.EnqueueTimeout, key("exporters", id, "spool_after"), after))
		}
	}
	return errs
}

// checkSampling finds ratios of the collector's own traces outside 0 to 1.
func checkSampling(whole wholeConfig) []error {
	return ratios(whole.at("service", "telemetry", "traces", "sampler"), "service::telemetry::traces::sampler")
}

// ratios looks at every ratio_based sampler below node, which may nest.
func ratios(node any, path string) []error {
	var errs []error
	fields := section(node)
	for _, name := range sortedKeys(fields) {
		at := path + "::" + name
		if name != "ratio" {
			errs = append(errs, ratios(fields[name], at)...)
			continue
		}
		if empty(fields[name]) {
			continue
		}
		if ratio, ok := number(fields[name]); !ok || !(ratio >= 0 && ratio <= 1) {
			errs = append(errs, fmt.Errorf("%s (%v) must be a number from 0 to 1", at, fields[name]))
		}
	}
	return errs
}
