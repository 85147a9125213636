// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

const (
	pollWell  = 5 * time.Second // between two looks at the brokers when all is well
	pollIll   = time.Second     // when it is not
	pollLimit = 3 * time.Second // after which a look has failed
)

// health watches the brokers and the topics. It reports the exporter's status,
// tells delivery the topics' partitions and limits, and has topics created that
// are missing. Its errors are read by anyone who asks for readiness: they name
// topics and principals, no addresses.
type health struct {
	logger    *zap.Logger
	cfg       *Config
	admin     *topicAdmin
	topics    []*topic
	principal string
	report    func(*componentstatus.Event)
	seen      func(t *topic, partitions, limit int)
	storage   func() (there bool, refusal error)
	breaker   *breaker

	kick chan struct{} // look at once

	mu       sync.Mutex // guards all below
	troubles map[*topic]error
	// transactions is what keeps them from being written, or nil.
	transactions error
	limits       map[string]int

	// The watcher's own.
	last      string // the text of the status reported last; empty when OK
	reported  bool
	described map[string]bool // topics whose limit was asked for

	away atomic.Bool // the last look did not reach the cluster
}

func newHealth(logger *zap.Logger, cfg *Config, topics []*topic) *health {
	return &health{
		logger:    logger,
		cfg:       cfg,
		topics:    topics,
		principal: principal(&cfg.ClientConfig),
		report:    func(*componentstatus.Event) {},
		seen:      func(*topic, int, int) {},
		storage:   func() (bool, error) { return false, nil },
		breaker:   newBreaker(logger, &CircuitBreakerConfig{}),
		kick:      make(chan struct{}, 1),
		troubles:  map[*topic]error{},
		limits:    map[string]int{},
		described: map[string]bool{},
	}
}

var errNotYet = errors.New("waiting for the first answer from Kafka")

// run watches until ctx is done.
func (h *health) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	kick := h.kick
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-kick:
		}
		err := h.look(ctx)
		if ctx.Err() != nil {
			return
		}
		var away *unreachable
		h.away.Store(errors.As(err, &away))
		if away != nil {
			h.breaker.report(away)
		} else {
			h.breaker.report(nil)
		}
		h.say(err)
		if err == nil && h.breaker.closed() {
			kick = h.kick
			timer.Reset(pollWell)
		} else {
			kick = nil // what fails now would only kick again
			timer.Reset(pollIll)
		}
	}
}

// look returns what keeps the exporter from delivering, or nil.
func (h *health) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	states, err := h.admin.describe(ctx, h.topics)
	if err != nil {
		return h.unreachable(err)
	}
	if h.cfg.CreateTopics && h.createMissing(ctx, states) {
		if states, err = h.admin.describe(ctx, h.topics); err != nil {
			return h.unreachable(err)
		}
	}
	h.announce(ctx, states)
	for _, t := range h.topics {
		if err := h.problem(t, states[t.name]); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.transactions
}

// statusError is what anyone may read; its cause, for the log, may hold more.
type statusError struct {
	text   string
	cause  error
	advice string // what to do about it
}

func (e *statusError) Error() string { return e.text }
func (e *statusError) Unwrap() error { return e.cause }
func (e *statusError) what() string  { return e.advice }

// unreachable says that no broker answers, or none takes us.
type unreachable struct {
	statusError
	// refused: the credentials are not right, which does not pass by itself.
	refused bool
}

func (h *health) unreachable(err error) error {
	var (
		noToken     *noTokenError
		certificate *tls.CertificateVerificationError
		alert       *net.OpError
	)
	e := &unreachable{statusError: statusError{text: "Kafka cannot be reached", cause: err, advice: adviseConnection(err)}}
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.IllegalSaslState):
		e.text, e.refused = "Kafka refuses the credentials of "+h.principal, true
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		e.text, e.refused = "Kafka does not offer the SASL mechanism that is configured", true
	case errors.As(err, &noToken):
		e.text = "there is no token to show to Kafka"
	case errors.As(err, &certificate):
		e.text = "Kafka's certificate is not trusted"
	case errors.As(err, &alert) && alert.Op == "remote error": // a TLS alert
		e.text = "Kafka refuses the TLS connection"
	}
	return e
}

// createMissing reports whether it created a topic.
func (h *health) createMissing(ctx context.Context, states map[string]topicState) (created bool) {
	for _, t := range h.topics {
		if s := states[t.name]; s.err == nil || s.err.Code != kerr.UnknownTopicOrPartition.Code {
			continue
		}
		if err := h.admin.create(ctx, t); err != nil {
			h.logger.Warn("Could not create a topic", zap.Error(err))
			continue
		}
		h.logger.Info("Created a topic", zap.String("topic", t.name))
		created = true
	}
	return created
}

// announce tells delivery about topics that can be written to. Their limits
// are read first: the client asks for them once, when it meets a partition.
func (h *health) announce(ctx context.Context, states map[string]topicState) {
	var fresh []string
	for _, t := range h.topics {
		if s := states[t.name]; s.err == nil && s.partitions > 0 && !h.described[t.name] {
			fresh = append(fresh, t.name)
		}
	}
	if len(fresh) > 0 {
		limits := h.admin.limits(ctx, fresh...)
		h.mu.Lock()
		for _, name := range fresh {
			h.described[name] = true
			h.limits[name] = limits[name]
		}
		h.mu.Unlock()
	}
	for _, t := range h.topics {
		if s := states[t.name]; s.err == nil && s.partitions > 0 {
			h.seen(t, s.partitions, h.limit(t))
		}
	}
}

func (h *health) limit(t *topic) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return limitOf(h.cfg, t, h.limits[t.name])
}

// batchLimit is the largest batch for a topic, as the client asks for it.
func (h *health) batchLimit(name string) int32 {
	for _, t := range h.topics {
		if t.name == name {
			return int32(h.limit(t))
		}
	}
	return int32(defaultLimit(h.cfg))
}

// problem is what keeps records from one topic, or nil.
func (h *health) problem(t *topic, s topicState) error {
	err := error(nil)
	if s.err != nil {
		err = s.err
	}
	if err == nil {
		h.mu.Lock()
		err = h.troubles[t]
		h.mu.Unlock()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return &statusError{text: "topic " + t.name + " is missing", advice: adviseMissing(h.cfg, t)}
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return &statusError{
			text:   h.principal + " is not authorised to write to topic " + t.name,
			advice: adviseRights(h.principal, t.name),
		}
	default:
		name, _ := reasonOf(err)
		return fmt.Errorf("topic %s cannot be written to: %s", t.name, name)
	}
}

// trouble takes what delivery learned about a topic; nil means it works again.
// Without a topic it is about the spool.
func (h *health) trouble(t *topic, err error) {
	if t == nil {
		signal(h.kick)
		return
	}
	h.mu.Lock()
	_, was := h.troubles[t]
	if err == nil {
		delete(h.troubles, t)
	} else {
		h.troubles[t] = err
	}
	h.mu.Unlock()
	if was != (err != nil) {
		signal(h.kick)
	}
}

// say reports the status when it changes. Kafka being away turns it only when
// events cannot be stored meanwhile, refused credentials in any case; never for
// good: what heals must be able to turn it back.
func (h *health) say(err error) {
	text, stored := "", false
	if err != nil {
		text = err.Error()
	}
	var away *unreachable
	if there, refusal := h.storage(); there && errors.As(err, &away) {
		switch {
		case refusal == nil:
			stored = !away.refused
			text += "; events are stored in the spool"
		case errors.Is(refusal, spool.ErrFull):
			text += ", and the spool is full"
		default:
			text += ", and the spool cannot be written"
		}
	}
	if h.reported && text == h.last {
		return
	}
	h.last, h.reported = text, true
	if err == nil {
		h.logger.Info("Delivering to Kafka")
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
		return
	}
	fields := []zap.Field{zap.String("error", text), zap.NamedError("cause", errors.Unwrap(err))}
	var advice interface{ what() string }
	if errors.As(err, &advice) {
		fields = append(fields, zap.String("advice", advice.what()))
	}
	h.logger.Warn("Cannot deliver to Kafka", fields...)
	if stored {
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
		return
	}
	h.report(componentstatus.NewRecoverableErrorEvent(errors.New(text)))
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (h *health) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		return
	}
	if h.away.Load() { // else it may be one broker of several
		h.breaker.report(err)
	}
	signal(h.kick)
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (h *health) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { signal(h.kick) }
