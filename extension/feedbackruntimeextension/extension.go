// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
)

var (
	_ Runtime                                     = (*runtimeExtension)(nil)
	_ componentstatus.Watcher                     = (*runtimeExtension)(nil)
	_ extensioncapabilities.PipelineWatcher       = (*runtimeExtension)(nil)
	_ extensioncapabilities.ConfigSnapshotWatcher = (*runtimeExtension)(nil)
)

type runtimeExtension struct {
	id        component.ID
	cfg       *Config
	telemetry component.TelemetrySettings
	account   *Account
	status    componentStatus
	metrics   *metadata.TelemetryBuilder // nil until started
	audit     *audit.Log                 // nil: none is kept
	ingestion *Ingestion                 // nil until started

	checkMachine func(context.Context, wholeConfig) []error

	// Of the whole configuration; set before pipelines start.
	transports   []string // of the configured receivers
	certificates []string // files; served by receivers
	memoryLimit  int64    // of memory_limiter, in bytes
	collectMore  func()   // undoes collectLess; nil before it
	configured   sync.Mutex

	started      chan struct{} // closed when the pipelines run
	draining     chan struct{}
	stopping     chan struct{}
	startedOnce  sync.Once
	drainingOnce sync.Once
	stoppingOnce sync.Once

	signals earlySignals
}

func newExtension(set extension.Settings, cfg *Config) *runtimeExtension {
	e := &runtimeExtension{
		id:        set.ID,
		cfg:       cfg,
		telemetry: set.TelemetrySettings,
		account:   NewAccount(cfg.Capacity, cfg.MaxBytes, cfg.EnqueueTimeout),
		started:   make(chan struct{}),
		draining:  make(chan struct{}),
		stopping:  make(chan struct{}),

		checkMachine: checkMachine,
	}
	if cfg.Audit.HasValue() {
		e.audit = audit.New(*cfg.Audit.Get(), set.Logger)
	}
	return e
}

// Start implements component.Component.
func (e *runtimeExtension) Start(context.Context, component.Host) error {
	e.warnUnknownEnvironment(os.Environ())
	if err := e.audit.Start(); err != nil {
		return err
	}
	e.signals.hold(e.draining)
	return e.startMetrics()
}

// Shutdown implements component.Component. The service calls it last, when
// nothing is left that could wait for a phase.
func (e *runtimeExtension) Shutdown(context.Context) error {
	e.beginDraining()
	e.beginStopping()
	e.signals.release()
	if e.metrics != nil {
		e.metrics.Shutdown()
	}
	if e.collectMore != nil {
		e.collectMore()
		e.collectMore = nil
	}
	return e.audit.Shutdown()
}

// Ready implements extensioncapabilities.PipelineWatcher: receivers have started.
func (e *runtimeExtension) Ready() error {
	e.startedOnce.Do(func() { close(e.started) })
	if err := notifyReady(os.Getenv(envNotifySocket)); err != nil {
		e.telemetry.Logger.Warn("The service manager could not be told that the collector has started", zap.Error(err))
	}
	return nil
}

// NotReady implements extensioncapabilities.PipelineWatcher. The service stops
// no receiver before it returns, so waiting here is what keeps them open for
// the shutdown delay. A collector that never became ready does not wait.
func (e *runtimeExtension) NotReady() error {
	e.beginDraining()
	if e.cfg.ShutdownDelay > 0 && isClosed(e.started) {
		e.telemetry.Logger.Info("Shutdown begins: requests are taken for a while longer",
			zap.Duration("shutdown_delay", e.cfg.ShutdownDelay))
		timer := time.NewTimer(e.cfg.ShutdownDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-e.stopping: // Shutdown came first
		}
	}
	e.beginStopping()
	return nil
}

func (e *runtimeExtension) beginDraining() { e.drainingOnce.Do(func() { close(e.draining) }) }

func (e *runtimeExtension) beginStopping() { e.stoppingOnce.Do(func() { close(e.stopping) }) }

// Account implements Runtime.
func (e *runtimeExtension) Account() *Account { return e.account }

// Audit is what audit.Find looks for.
func (e *runtimeExtension) Audit() *audit.Log { return e.audit }

// Ingestion is what IngestionOf looks for.
func (e *runtimeExtension) Ingestion() *Ingestion { return e.ingestion }

// EnqueueTimeout implements Runtime.
func (e *runtimeExtension) EnqueueTimeout() time.Duration { return e.cfg.EnqueueTimeout }

// Draining implements Runtime.
func (e *runtimeExtension) Draining() <-chan struct{} { return e.draining }

// Stopping implements Runtime.
func (e *runtimeExtension) Stopping() <-chan struct{} { return e.stopping }

// ShutdownTimeout implements Runtime.
func (e *runtimeExtension) ShutdownTimeout() time.Duration { return e.cfg.ShutdownTimeout }

func (e *runtimeExtension) startMetrics() error {
	metrics, err := metadata.NewTelemetryBuilder(e.telemetry)
	if err != nil {
		return err
	}
	e.metrics, e.ingestion = metrics, newIngestion(metrics)
	if err = metrics.RegisterFeedbackBufferCapacityCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(e.account.capacity))
		return nil
	}); err != nil {
		return err
	}
	if err = metrics.RegisterFeedbackActiveRequestsCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(e.ingestion.active.Load())
		return nil
	}); err != nil {
		return err
	}
	if err = metrics.RegisterFeedbackCertificateExpiryTimestampCallback(func(_ context.Context, o metric.Int64Observer) error {
		e.configured.Lock()
		files := e.certificates
		e.configured.Unlock()
		if at, ok := firstExpiry(files); ok {
			o.Observe(at.Unix())
		}
		return nil
	}); err != nil {
		return err
	}
	if err = metrics.RegisterFeedbackMemoryLimitCallback(func(_ context.Context, o metric.Int64Observer) error {
		e.configured.Lock()
		defer e.configured.Unlock()
		o.Observe(e.memoryLimit)
		return nil
	}); err != nil {
		return err
	}
	if err = metrics.RegisterFeedbackBufferSizeCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(e.account.Events()))
		return nil
	}); err != nil {
		return err
	}
	return metrics.RegisterFeedbackBufferUtilizationCallback(func(_ context.Context, o metric.Float64Observer) error {
		o.Observe(e.account.Utilization())
		return nil
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
