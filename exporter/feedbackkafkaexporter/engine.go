// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// engine takes records over and answers for each until its fate is known. There
// is one that delivers lane by lane, and one for transactions.
type engine interface {
	// enqueue takes records over in order of arrival, counting them in the
	// account in place of hold (which may be nil). An error means that it took
	// none, and is what the caller is told.
	enqueue(records []*record, hold *feedbackruntimeextension.Hold) error
	// unsettled is the number of records whose fate is not known.
	unsettled() int
	// settled receives when unsettled may have become 0.
	settled() <-chan struct{}
	// retreat begins to store on disk what is unsettled and what is yet to come:
	// half of the time to shut down is over. Without a spool it does nothing.
	retreat()
	// close ends it: nothing more is taken or sent. It returns how many records
	// had no fate, gives their room back, and may be called twice.
	close() (undelivered int)
}

// engines lists those in use.
func (e *feedbackExporter) engines() []engine {
	if e.transactions == nil {
		return []engine{e.delivery}
	}
	return []engine{e.delivery, e.transactions}
}

// route hands the records of one call to their engines. Where one engine
// refuses, the others may have taken theirs: the caller sends all again.
func (e *feedbackExporter) route(records []*record, hold *feedbackruntimeextension.Hold) error {
	if e.transactions == nil {
		return e.delivery.enqueue(records, hold)
	}
	inTransaction, others := e.split(records)
	if len(inTransaction) > 0 {
		if err := e.transactions.enqueue(inTransaction, hold); err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	return e.delivery.enqueue(others, hold)
}

// split parts the records of one call. The dead letters of refused events go
// with their neighbours: into the transaction if any of the call does.
func (e *feedbackExporter) split(records []*record) (inTransaction, others []*record) {
	chosen := func(r *record) bool { return e.transactional[r.eventType] }
	mixed := false
	for _, r := range records {
		mixed = mixed || chosen(r)
	}
	if !mixed {
		return nil, records
	}
	for _, r := range records {
		if chosen(r) || r.dead != nil {
			inTransaction = append(inTransaction, r)
		} else {
			others = append(others, r)
		}
	}
	return inTransaction, others
}
