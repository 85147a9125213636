// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const fieldType = "type"

var _ processor.Logs = (*keyer)(nil)

// keyer sets the key of each event. It is the consumer itself and not a function
// under processorhelper, which counts what comes in and goes out of each request:
// here that is the same.
type keyer struct {
	component.StartFunc
	component.ShutdownFunc

	next       consumer.Logs
	paths      map[string][]string // by event type, overridden ones only
	groupByKey bool
}

func newKeyer(cfg *Config) (*keyer, error) {
	k := &keyer{groupByKey: cfg.GroupByKey}
	for eventType, path := range cfg.Keys {
		schema := feedback.SchemaOf(eventType)
		if schema == nil {
			return nil, fmt.Errorf("keys: %q is not an event type", eventType)
		}
		names, err := resolve(schema, path)
		if err != nil {
			return nil, fmt.Errorf("keys::%s: %w", eventType, err)
		}
		if k.paths == nil {
			k.paths = make(map[string][]string, len(cfg.Keys))
		}
		k.paths[eventType] = names
	}
	return k, nil
}

// Capabilities implements consumer.Logs.
func (k *keyer) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs implements consumer.Logs.
func (k *keyer) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				k.setKey(lr)
			}
		}
	}
	if k.groupByKey {
		group(ld)
	}
	return k.next.ConsumeLogs(ctx, ld)
}

// setKey leaves refused records, which go to the dead-letter topic, and what is
// not an event as they are.
func (k *keyer) setKey(lr plog.LogRecord) {
	if lr.Body().Type() != pcommon.ValueTypeMap {
		return
	}
	if _, refused := lr.Attributes().Get(feedback.AttrErrorCode); refused {
		return
	}
	if key := k.keyOf(lr.Body().Map()); key != "" {
		lr.Attributes().PutStr(feedback.AttrPartitionKey, key)
	}
}

func (k *keyer) keyOf(event pcommon.Map) string {
	if k.paths != nil {
		if eventType, ok := event.Get(fieldType); ok {
			if key := follow(event, k.paths[eventType.Str()]); key != "" {
				return key
			}
		}
	}
	return feedback.PartitionKey(event)
}

// follow returns the value at a path as text, or an empty string.
func follow(event pcommon.Map, path []string) string {
	for i, name := range path {
		value, ok := event.Get(name)
		switch {
		case !ok:
			return ""
		case i == len(path)-1:
			return text(value)
		case value.Type() != pcommon.ValueTypeMap:
			return ""
		}
		event = value.Map()
	}
	return ""
}

// text is a single value as text; of others there is none.
func text(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeStr, pcommon.ValueTypeBool, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		return value.AsString()
	default:
		return ""
	}
}
