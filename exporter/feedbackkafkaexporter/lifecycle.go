// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

func (e *feedbackExporter) start(ctx context.Context, host component.Host) error {
	runtime, err := feedbackruntimeextension.Find(host)
	if err != nil {
		return err
	}
	if err = e.openSpool(); err != nil {
		return err
	}
	telemetry, err := metadata.NewTelemetryBuilder(e.set.TelemetrySettings)
	if err != nil {
		return errors.Join(err, e.closeSpool())
	}
	e.counts.telemetry = telemetry
	e.wire = newWire(telemetry)
	client, err := newClient(ctx, host, e.cfg, e.logger, e.health.batchLimit, e.health, e.wire)
	if err != nil {
		telemetry.Shutdown()
		return errors.Join(err, e.closeSpool())
	}
	err = e.counts.register(telemetry)
	if err == nil {
		var stats func() spool.Stats
		if e.spool != nil {
			stats = e.spool.Stats
		}
		err = e.counts.registerStored(telemetry, e.health.breaker, e.wire, stats, e.batchTarget)
	}
	if err == nil {
		err = e.makeTransactions(ctx, host, runtime.Account())
	}
	if err != nil {
		client.Close()
		telemetry.Shutdown()
		return errors.Join(err, e.closeSpool())
	}
	e.runtime, e.client, e.telemetry = runtime, client, telemetry
	e.delivery.client, e.delivery.account = client, runtime.Account()
	if e.spool != nil {
		e.delivery.keep(e.spool)
		e.health.topics = e.delivery.restore(defaultLimit(e.cfg))
	}
	e.health.admin = &topicAdmin{
		client:     client,
		cfg:        e.cfg,
		autoCreate: e.cfg.Producer.AllowAutoTopicCreation && !e.cfg.CreateTopics,
	}
	e.health.report = func(ev *componentstatus.Event) {
		select {
		case <-e.stopping: // the status is the service's from here on
		default:
			componentstatus.ReportStatus(host, ev)
		}
	}
	if e.spool == nil {
		componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(errNotYet))
	}

	background, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	e.watchers.Go(func() { e.health.run(background) })
	e.watchers.Go(func() { e.watchDeadline(background) })
	e.workers.Go(func() { e.delivery.run(background) })
	if e.delivery.keeper != nil {
		e.workers.Go(func() { e.delivery.keeper.run(background) })
	}
	if e.transactions != nil {
		e.workers.Go(func() { e.transactions.run(background) })
	}
	return nil
}

// openSpool takes the directory of the spool, if there is one.
func (e *feedbackExporter) openSpool() error {
	cfg := &e.cfg.Spool
	if cfg.Directory == "" {
		return nil
	}
	s, err := spool.Open(cfg.Directory, spool.Options{
		MaxBytes: int64(cfg.MaxSizeMiB) << 20,
		Fsync:    cfg.Fsync,
		Logger:   e.logger,
	})
	if err != nil {
		return fmt.Errorf("%s: %w: %s", of("spool", "directory"), err, adviseSpool(err))
	}
	if err := enterMode(s, e.cfg); err != nil {
		return errors.Join(err, s.Close())
	}
	e.spool = s
	return nil
}

func (e *feedbackExporter) closeSpool() error {
	if e.spool == nil {
		return nil
	}
	return e.spool.Close()
}

// markMode begins the value that says in which mode the entries were stored.
const markMode = "mode"

// enterMode keeps the mode beside the entries. What was stored in one mode is
// not sent in another: the order of a key and what a transaction promises would
// not hold.
func enterMode(s store, cfg *Config) error {
	mode, stored := cfg.mode(), s.Mark()[markMode]
	if stored == mode {
		return nil
	}
	if s.Stats().Entries > 0 && stored != "" {
		ways := "start once more with the former until it is empty"
		if stored == modeLanes { // what was stored for transactions only they can send
			ways += ", or send them with: feedbackctl spool drain --directory " + cfg.Spool.Directory
		}
		return fmt.Errorf("spool::directory: %s holds events that were stored with %s, and the configuration says %s: %s",
			cfg.Spool.Directory, stored, mode, ways)
	}
	return s.SetMark(map[string]string{markMode: mode})
}

// watchDeadline has what is left stored when half of the collector's time to
// shut down is over, and ends delivery when all of it is, whoever still waits:
// Shutdown is called last, and batch and receivers could wait for a blocked
// ConsumeLogs for ever before it.
func (e *feedbackExporter) watchDeadline(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-e.runtime.Stopping():
	case <-e.stopping:
	}
	timer := time.NewTimer(e.runtime.ShutdownTimeout() / 2)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	for _, eng := range e.engines() {
		eng.retreat()
	}
	close(e.half)
	timer.Reset(e.runtime.ShutdownTimeout() / 2)
	select {
	case <-ctx.Done():
	case <-timer.C:
		e.endDelivery()
		close(e.expired)
	}
}

func (e *feedbackExporter) endDelivery() {
	n := 0
	for _, eng := range e.engines() {
		n += eng.close()
	}
	if n > 0 {
		e.logger.Error("Shutting down with events not delivered", zap.Int("events", n))
	}
}

// shutdown publishes what is left within the time that remains, and takes the
// exporter down. It may be called without Start, and twice.
func (e *feedbackExporter) shutdown(ctx context.Context) (err error) {
	if e.client == nil {
		return nil
	}
	e.stopOnce.Do(func() {
		close(e.stopping)
		e.delivery.stopDraining()
		e.drain(ctx)
		e.endDelivery()
		e.cancel()
		e.watchers.Wait()
		e.client.Close()
		e.workers.Wait()
		e.awaitClient()
		err = e.leaveSpool()
		e.telemetry.Shutdown()
	})
	return err
}

// leaveSpool writes what was delivered to the last, so that the next start does
// not send it again.
func (e *feedbackExporter) leaveSpool() error {
	if e.spool == nil {
		return nil
	}
	e.delivery.keeper.tellDone()
	if n := e.spool.Stats().Entries; n > 0 {
		e.logger.Info("Events remain in the spool; the next start delivers them", zap.Int("events", n))
	}
	return e.closeSpool()
}

// flushInterval is how often drain ends the client's lingering: what the
// dispatcher hands over after a flush would linger again.
const flushInterval = 20 * time.Millisecond

// drain waits until all records have their fate or the time is over.
func (e *feedbackExporter) drain(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var flushing sync.WaitGroup
	flushing.Go(func() {
		tick := time.NewTicker(flushInterval)
		defer tick.Stop()
		for e.client.Flush(ctx) == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	defer flushing.Wait()
	defer cancel()
	for _, eng := range e.engines() {
		for eng.unsettled() > 0 {
			select {
			case <-eng.settled():
			case <-e.expired:
				return
			case <-ctx.Done():
				return
			}
		}
	}
	e.awaitOriginals(ctx)
}

// awaitOriginals waits for the answer to records that are stored too, as long as
// records are published at shutdown: without it they are sent again at the next
// start, and perhaps twice.
func (e *feedbackExporter) awaitOriginals(ctx context.Context) {
	for e.delivery.inClient() > 0 {
		select {
		case <-e.delivery.idle:
		case <-e.half:
			return
		case <-ctx.Done():
			return
		}
	}
}

// awaitClient waits for the closed client to give back what it held, so that
// no callback outlives Shutdown.
func (e *feedbackExporter) awaitClient() {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	for e.delivery.inClient() > 0 {
		select {
		case <-e.delivery.idle:
		case <-timer.C:
			return
		}
	}
}
