// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

var errTooLarge error = kerr.MessageTooLarge

// feedbackExporter is the exporter. Its parts are made in the factory; client,
// runtime and goroutines in Start.
type feedbackExporter struct {
	cfg      *Config
	set      exporter.Settings
	logger   *zap.Logger
	builder  *builder
	delivery *delivery
	health   *health
	counts   *counts

	// Set where event types are to be written in transactions; else nil.
	transactions  engine
	transactional [len(eventTypes)]bool

	telemetry *metadata.TelemetryBuilder
	runtime   feedbackruntimeextension.Runtime
	client    *kgo.Client

	stopOnce sync.Once
	stopping chan struct{} // Shutdown was called
	expired  chan struct{} // the time to shut down is over
	cancel   context.CancelFunc
	watchers sync.WaitGroup // health and deadline
	dispatch sync.WaitGroup
}

func newExporter(set exporter.Settings, cfg *Config) *feedbackExporter {
	topics, byType, dead := topicsOf(cfg)
	e := &feedbackExporter{
		cfg:      cfg,
		set:      set,
		logger:   set.Logger,
		counts:   newCounts(),
		stopping: make(chan struct{}),
		expired:  make(chan struct{}),
	}
	e.builder = newBuilder(instanceID(set.TelemetrySettings), set.BuildInfo.Version, byType, dead)
	e.delivery = newDelivery(set.Logger, e.builder, e.counts, topics)
	e.health = newHealth(set.Logger, cfg, topics)
	e.health.seen = e.delivery.seen
	e.delivery.trouble = e.health.trouble
	return e
}

// topicsOf lists the topics of a configuration, each once.
func topicsOf(cfg *Config) (all []*topic, byType [len(eventTypes)]*topic, dead *topic) {
	for i, typ := range eventTypes {
		name := cfg.topicOf(typ)
		at := slices.IndexFunc(all, func(t *topic) bool { return t.name == name })
		if at < 0 {
			at = len(all)
			all = append(all, newTopic(name, false, defaultLimit(cfg)))
		}
		byType[i] = all[at]
	}
	if cfg.DeadLetter.Enabled {
		dead = newTopic(cfg.DeadLetter.Topic, true, defaultLimit(cfg))
		all = append(all, dead)
	}
	return all, byType, dead
}

// instanceID is the collector's service.instance.id, or the host's name.
func instanceID(set component.TelemetrySettings) string {
	if id := strAttr(set.Resource.Attributes(), "service.instance.id"); id != "" {
		return id
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func (e *feedbackExporter) start(ctx context.Context, host component.Host) error {
	runtime, err := feedbackruntimeextension.Find(host)
	if err != nil {
		return err
	}
	client, err := newClient(ctx, host, e.cfg, e.logger, e.health.batchLimit, e.health)
	if err != nil {
		return err
	}
	telemetry, err := metadata.NewTelemetryBuilder(e.set.TelemetrySettings)
	if err == nil {
		err = e.counts.register(telemetry)
	}
	if err != nil {
		client.Close()
		return err
	}
	e.runtime, e.client, e.telemetry = runtime, client, telemetry
	e.delivery.client, e.delivery.account = client, runtime.Account()
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
	componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(errNotYet))

	background, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	e.watchers.Go(func() { e.health.run(background) })
	e.watchers.Go(func() { e.watchDeadline(background) })
	e.dispatch.Go(func() { e.delivery.run(background) })
	return nil
}

// watchDeadline ends delivery when the collector's time to shut down is over,
// whoever still waits: Shutdown is called last, and batch and receivers could
// wait for a blocked ConsumeLogs for ever before it.
func (e *feedbackExporter) watchDeadline(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-e.runtime.Stopping():
	case <-e.stopping:
	}
	timer := time.NewTimer(e.runtime.ShutdownTimeout())
	defer timer.Stop()
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

// consume takes the events of one call over.
func (e *feedbackExporter) consume(ctx context.Context, ld plog.Logs) error {
	records := e.build(ld)
	if len(records) == 0 {
		return nil
	}
	var q *request
	if e.cfg.Acknowledge == AcknowledgeDelivered {
		q = newRequest(len(records))
		for _, r := range records {
			r.request = q
		}
	}
	if err := e.route(records, feedbackruntimeextension.FromContext(ctx)); err != nil {
		return err
	}
	if q == nil {
		return nil
	}
	return e.await(ctx, q)
}

// build makes the records, in order. Events that are refused while there is no
// dead-letter topic are dropped here.
func (e *feedbackExporter) build(ld plog.Logs) []*record {
	records := make([]*record, 0, ld.LogRecordCount())
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				code, isDead := errorCode(lr)
				switch {
				case !isDead:
					records = append(records, e.builder.build(lr))
				case e.builder.deadLetter != nil:
					records = append(records, e.builder.buildDead(lr, code, e.delivery.now()))
				default:
					e.delivery.drop(strAttr(lr.Attributes(), feedback.AttrRecordUID), stageValidation, code)
				}
			}
		}
	}
	return records
}

// await waits for the fate of a request's records. Those without one when the
// wait is over stay in work: they may be delivered yet.
func (e *feedbackExporter) await(ctx context.Context, q *request) error {
	timer := time.NewTimer(e.runtime.EnqueueTimeout())
	defer timer.Stop()
	select {
	case <-q.done:
		return nil
	case <-timer.C:
		return errNotConfirmed
	case <-ctx.Done():
		return errNotConfirmed
	case <-e.expired:
		return errStopped
	}
}

var (
	errNotConfirmed = unavailable("Kafka has not confirmed the events yet")
	errStopped      = unavailable("the collector is shutting down")
)

// unavailable is an error that receivers translate into "send again, later".
func unavailable(message string) error {
	s, err := status.New(codes.Unavailable, message).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		return status.Error(codes.Unavailable, message)
	}
	return s.Err()
}

// shutdown publishes what is left within the time that remains, and takes the
// exporter down. It may be called without Start, and twice.
func (e *feedbackExporter) shutdown(ctx context.Context) error {
	if e.client == nil {
		return nil
	}
	e.stopOnce.Do(func() {
		close(e.stopping)
		e.drain(ctx)
		e.endDelivery()
		e.cancel()
		e.watchers.Wait()
		e.client.Close()
		e.dispatch.Wait()
		e.awaitClient()
		e.telemetry.Shutdown()
	})
	return nil
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
