// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

// Log record attributes that the pipeline's components route on. Everything
// that begins with [AttrPrefix], and [AttrRecordUID], is deleted from records
// that come from outside: these are the collector's own words.
const (
	// AttrPrefix is the name space reserved for this collector.
	AttrPrefix = "feedback."
	// AttrRecordUID is the event id (OpenTelemetry log.record.uid).
	AttrRecordUID = "log.record.uid"
	// AttrEventType is one of the five types, or "unknown" on a refused record.
	AttrEventType = "feedback.event.type"
	// AttrPartitionKey is the Kafka key; the partition-key processor sets it.
	AttrPartitionKey = "feedback.partition.key"
	// AttrClientID is the authenticated subject that sent the event.
	AttrClientID = "feedback.client.id"
	// AttrSpan is the span of the request that an event came with, as a
	// traceparent; validation sets it where spans are recorded.
	AttrSpan = "feedback.span"
	// AttrErrorCode, AttrErrorField and AttrErrorMessage mark a refused record
	// on its way to the dead-letter topic.
	AttrErrorCode    = "feedback.error.code"
	AttrErrorField   = "feedback.error.field"
	AttrErrorMessage = "feedback.error.message"

	// AttrSessionID, AttrRequestModel, AttrProviderName and AttrServiceName are
	// OpenTelemetry semantic conventions, set where the event's type has them.
	AttrSessionID    = "session.id"
	AttrRequestModel = "gen_ai.request.model"
	AttrProviderName = "gen_ai.provider.name"
	AttrServiceName  = "service.name"
)

// EventNamePrefix precedes the type in a log record's EventName.
const EventNamePrefix = "feedback."
