// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// TransactionsConfig has events written exactly once, each request as a whole.
type TransactionsConfig struct {
	// TransactionalID is the Kafka transactional id, and the name of the consumer
	// group that keeps the sequence number: 1 to 249 letters, digits and . _ -. It
	// must be the same after a restart and no other collector's: one that starts
	// with it takes it from the one that has it. Required.
	TransactionalID string `mapstructure:"transactional_id"`
	// EventTypes are the types written in transactions. Dead letters go with their
	// request. One of: user_feedback, performance_metrics, model_response,
	// system_health, experiment_result. Default: none named, which means all.
	EventTypes []string `mapstructure:"event_types"`
	// prevent unkeyed literal initialization
	_ struct{}
}

func (c *Config) validateTransactions(fail func(string, ...any)) {
	tc := c.Transactions
	if tc == nil {
		return
	}
	switch {
	case tc.TransactionalID == "":
		fail("transactions::transactional_id: must be set, to a name that this collector alone has and keeps over restarts; config/exactly-once.yaml takes it from COLLECTOR_SERVICE__INSTANCE_ID, which has no default there")
	case !topicName.MatchString(tc.TransactionalID):
		fail("transactions::transactional_id: must be 1 to 249 letters, digits and . _ -, got %q", tc.TransactionalID)
	}
	for _, typ := range tc.EventTypes {
		if !slices.Contains(eventTypes[:typeUnknown], typ) {
			fail("transactions::event_types: %q is not an event type; expected one of %s", typ, strings.Join(eventTypes[:typeUnknown], ", "))
		}
	}
	if c.Acknowledge != AcknowledgeDelivered {
		fail("transactions: needs acknowledge: %s, got %q", AcknowledgeDelivered, c.Acknowledge)
	}
	if c.Spool.Directory == "" {
		fail("transactions: needs spool::directory")
	}
}

// chosen says which event types are written in transactions.
func (tc *TransactionsConfig) chosen() (out [len(eventTypes)]bool) {
	for i, typ := range eventTypes {
		// Events of an unknown type are dead letters: on their own they go like
		// all others.
		out[i] = len(tc.EventTypes) == 0 || slices.Contains(tc.EventTypes, typ)
	}
	return out
}

// mode names what the spool's entries are bound to.
func (tc *TransactionsConfig) mode() string {
	types := slices.Sorted(slices.Values(tc.EventTypes))
	if len(types) == 0 {
		types = []string{"all events"}
	}
	return fmt.Sprintf("transactions of %s for %s", tc.TransactionalID, strings.Join(types, ", "))
}

// makeTransactions makes the engine that writes in transactions, if there is to
// be one.
func (e *feedbackExporter) makeTransactions(ctx context.Context, host component.Host, account *feedbackruntimeextension.Account) error {
	tc := e.cfg.Transactions
	if tc == nil {
		return nil
	}
	opts, err := clientOpts(ctx, host, e.cfg, e.logger, e.health.batchLimit, e.health, e.wire)
	if err != nil {
		return err
	}
	t, err := newTransactor(transactorConfig{
		logger:  e.logger,
		account: account,
		builder: e.builder,
		counts:  e.counts,
		spool:   e.spool,
		connect: func() (txnClient, error) {
			return newKafkaTxn(opts, e.cfg.ProtocolVersion, tc.TransactionalID, e.cfg.Topics.Events)
		},
		limit:           e.health.limit,
		backoff:         backoff,
		report:          e.health.transactionProblem,
		transactionalID: tc.TransactionalID,
		spoolAfter:      e.cfg.SpoolAfter,
		drainRate:       e.cfg.Spool.DrainRate,
		sizer:           e.transactionSizer,
	})
	if err != nil {
		return err
	}
	e.transactions, e.transactional = t, tc.chosen()
	storage := e.health.storage
	e.health.storage = func() (there bool, refusal error) {
		there, refusal = storage()
		if refusal == nil {
			refusal = t.storeRefusal()
		}
		return there, refusal
	}
	return nil
}

// transactionProblem takes what keeps transactions from being written, or nil.
func (h *health) transactionProblem(err error) {
	h.mu.Lock()
	h.transactions = err
	h.mu.Unlock()
	signal(h.kick)
}
