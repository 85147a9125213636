// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
)

// enums are the fields that protobuf writes as enums, and how their names begin.
var enums = map[string]string{"thumbs": "THUMBS_", "status": "HEALTH_STATUS_", "experiment_type": "EXPERIMENT_TYPE_"}

// message turns an event as JSON into one as protobuf.
func message(event []byte) (*feedbackv1.FeedbackEvent, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(event, &fields); err != nil {
		return nil, err
	}
	var kind string
	if err := json.Unmarshal(fields["type"], &kind); err != nil {
		return nil, err
	}
	outer, inner := map[string]any{}, map[string]json.RawMessage{}
	for name, value := range fields {
		switch begin, isEnum := enums[name]; {
		case name == "type":
		case name == "event_id" || name == "timestamp" || name == "trace_id" || name == "span_id":
			outer[name] = value
		case isEnum:
			inner[name] = fmt.Appendf(nil, "%q", begin+strings.ToUpper(strings.Trim(string(value), `"`)))
		default:
			inner[name] = value
		}
	}
	outer[kind] = inner
	text, err := json.Marshal(outer)
	if err != nil {
		return nil, err
	}
	m := &feedbackv1.FeedbackEvent{}
	return m, protojson.Unmarshal(text, m)
}
