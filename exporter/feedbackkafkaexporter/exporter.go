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
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
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
	transactions  *transactor
	transactional [len(eventTypes)]bool
	// Set where the size of transactions follows Kafka's latency; else nil.
	transactionSizer *sizer

	telemetry *metadata.TelemetryBuilder
	tracer    trace.Tracer
	wire      *wire
	runtime   feedbackruntimeextension.Runtime
	client    *kgo.Client
	spool     *spool.Spool // nil without one

	stopOnce sync.Once
	stopping chan struct{} // Shutdown was called
	half     chan struct{} // half of the time to shut down is over
	expired  chan struct{} // all of it is
	cancel   context.CancelFunc
	watchers sync.WaitGroup // health and deadline
	workers  sync.WaitGroup // dispatcher and keeper
}

func newExporter(set exporter.Settings, cfg *Config) *feedbackExporter {
	topics, byType, dead := topicsOf(cfg)
	e := &feedbackExporter{
		cfg:      cfg,
		set:      set,
		logger:   set.Logger,
		counts:   newCounts(),
		tracer:   metadata.Tracer(set.TelemetrySettings),
		stopping: make(chan struct{}),
		half:     make(chan struct{}),
		expired:  make(chan struct{}),
	}
	e.builder = newBuilder(instanceID(set.TelemetrySettings), set.BuildInfo.Version, byType, dead)
	e.delivery = newDelivery(set.Logger, e.builder, e.counts, topics)
	e.delivery.room, e.delivery.roomCount = int64(cfg.MaxBufferedBytes), cfg.Producer.FlushMaxMessages
	e.delivery.spoolAfter = cfg.SpoolAfter
	e.delivery.pace.rate = float64(cfg.Spool.DrainRate)
	e.delivery.gathering.linger = cfg.Producer.Linger
	if cfg.Batching.Enabled && cfg.Producer.Linger > 0 {
		e.delivery.gathering.perPartition = cfg.Batching.MaxRecords
		e.delivery.gathering.sizer = newSizer(&cfg.Batching, firstRecords)
	}
	if cfg.Batching.Enabled && cfg.Transactions != nil {
		e.transactionSizer = newSizer(&cfg.Batching, cfg.Batching.MaxRecords)
		e.transactionSizer.overhead = true // the commit
	}
	e.health = newHealth(set.Logger, cfg, topics)
	e.health.seen = e.delivery.seen
	e.health.storage = e.delivery.storage
	e.health.breaker = newBreaker(set.Logger, &cfg.CircuitBreaker)
	e.health.breaker.changed = e.delivery.shelter
	e.delivery.trouble = e.health.trouble
	e.delivery.reached = e.health.breaker.delivered
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

// consume takes the events of one call over.
func (e *feedbackExporter) consume(ctx context.Context, ld plog.Logs) error {
	records := e.build(ld)
	if len(records) == 0 {
		return nil
	}
	now := time.Now()
	newHandover(e.tracer, records, now)
	e.counts.handedOver(records, now)
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
					e.delivery.drop(strAttr(lr.Attributes(), feedback.AttrRecordUID), stageValidation, code, zap.Skip())
				}
			}
		}
	}
	return records
}

// await waits for the fate of a request's records, for what its wait for room
// has left of the enqueue timeout. Records without a fate when that is over stay
// in work: they may be delivered yet.
func (e *feedbackExporter) await(ctx context.Context, q *request) error {
	patience := e.runtime.EnqueueTimeout()
	if hold := feedbackruntimeextension.FromContext(ctx); hold != nil {
		patience -= hold.Waited()
	}
	timer := time.NewTimer(patience)
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
