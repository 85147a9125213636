// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package send

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// OTLPGRPC sends OTLP logs over gRPC, the events as map bodies.
type OTLPGRPC struct {
	Client plogotlp.GRPCClient
}

// Send implements Sender.
func (o *OTLPGRPC) Send(ctx context.Context, batch []*events.Event) ([]Receipt, error) {
	resp, err := o.Client.Export(ctx, plogotlp.NewExportRequestFromLogs(Logs(batch, mapBody)))
	if err != nil {
		return nil, err
	}
	if n := resp.PartialSuccess().RejectedLogRecords(); n > 0 {
		return nil, fmt.Errorf("%d records were refused", n)
	}
	return receipts(batch), nil
}

// OTLPHTTP sends OTLP logs over HTTP, the events as JSON in string bodies.
type OTLPHTTP struct {
	Client *http.Client
	URL    string
}

// Send implements Sender.
func (o *OTLPHTTP) Send(ctx context.Context, batch []*events.Event) ([]Receipt, error) {
	body, err := plogotlp.NewExportRequestFromLogs(Logs(batch, stringBody)).MarshalProto()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := o.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d: %q", resp.StatusCode, answer)
	}
	return receipts(batch), nil
}

// Logs lays events out as OTLP logs. Attributes that only the collector may set
// are forged: it has to drop them.
func Logs(batch []*events.Event, body func(*events.Event, plog.LogRecord)) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "testbed")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, e := range batch {
		lr := records.AppendEmpty()
		lr.Attributes().PutStr("feedback.partition.key", "forged")
		lr.Attributes().PutStr("feedback.error.code", "forged")
		lr.Attributes().PutStr("log.record.uid", "forged")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(e.Time))
		body(e, lr)
	}
	return logs
}

// mapBody names the type in the EventName, and in the body only sometimes.
func mapBody(e *events.Event, lr plog.LogRecord) {
	lr.SetEventName("feedback." + e.Type)
	m := lr.Body().SetEmptyMap()
	sent := e.Sent
	if len(sent)%2 == 0 { // of the body's fields, type is the first
		sent = sent[1:]
	}
	putObject(m, sent)
}

func stringBody(e *events.Event, lr plog.LogRecord) { lr.Body().SetStr(string(e.JSON())) }

func putObject(m pcommon.Map, o events.Object) {
	m.EnsureCapacity(len(o))
	for _, member := range o {
		put(m.PutEmpty(member.Name), member.Value)
	}
}

func put(v pcommon.Value, from any) {
	switch x := from.(type) {
	case string:
		v.SetStr(x)
	case bool:
		v.SetBool(x)
	case int64:
		v.SetInt(x)
	case float64:
		v.SetDouble(x)
	case json.Number: // only events of style JSON have them
		v.SetStr(x.String())
	case events.Object:
		putObject(v.SetEmptyMap(), x)
	case []any:
		s := v.SetEmptySlice()
		for _, e := range x {
			put(s.AppendEmpty(), e)
		}
	}
}
