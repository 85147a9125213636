// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// FuzzOTLP: whatever OTLP message comes, from the network or as a file's line,
// admission takes it or refuses it, lets nothing through that only the collector
// may say, and keeps positions and sizes together.
func FuzzOTLP(f *testing.F) {
	for _, fill := range []func(plog.LogRecord){
		func(lr plog.LogRecord) { lr.Body().SetStr(eventJSON) },
		func(lr plog.LogRecord) { lr.Body().SetEmptyBytes().FromRaw([]byte(eventJSON)) },
		func(lr plog.LogRecord) {
			lr.SetEventName("feedback.user_feedback")
			lr.Body().SetEmptyMap().PutStr("comment", "x")
			lr.Attributes().PutStr(feedback.AttrClientID, "forged")
			lr.Attributes().PutStr(feedback.AttrRecordUID, "forged")
			lr.Attributes().PutStr(attrFileName, "a.jsonl")
			lr.Attributes().PutInt("log.file.record_offset", -1)
		},
		func(lr plog.LogRecord) { lr.Body().SetEmptySlice().AppendEmpty().SetDouble(1) },
		func(lr plog.LogRecord) { lr.Body().SetStr(strings.Repeat(`{"a":`, 100)) },
	} {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr(feedback.AttrPartitionKey, "forged")
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().Attributes().PutStr(feedback.AttrErrorCode, "forged")
		fill(sl.LogRecords().AppendEmpty())
		fill(sl.LogRecords().AppendEmpty())
		seed, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
		require.NoError(f, err)
		f.Add(seed, true)
		f.Add(seed, false)
	}
	h, account := newHost(f, 1000, 1<<20)
	var records int
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		request := feedback.FromContext(ctx)
		if request.Sizes != nil && len(request.Sizes) != records || ld.LogRecordCount() != records {
			panic("a position was lost")
		}
		for _, rl := range ld.ResourceLogs().All() {
			noneForged(rl.Resource().Attributes(), request.Transport)
			for _, sl := range rl.ScopeLogs().All() {
				noneForged(sl.Scope().Attributes(), request.Transport)
				for _, lr := range sl.LogRecords().All() {
					noneForged(lr.Attributes(), request.Transport)
				}
			}
		}
		return nil
	})
	require.NoError(f, err)
	p := start(f, h, next)
	network := client.NewContext(f.Context(), client.Info{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}})
	f.Fuzz(func(t *testing.T, message []byte, fromNetwork bool) {
		request := plogotlp.NewExportRequest()
		if request.UnmarshalProto(message) != nil {
			return
		}
		ctx := context.Background()
		if fromNetwork {
			ctx = network
		}
		records = request.Logs().LogRecordCount()
		_ = p.ConsumeLogs(ctx, request.Logs())
		require.Zero(t, account.Events())
		require.Zero(t, account.Bytes())
	})
}

// noneForged panics if attributes hold what only the collector may say.
func noneForged(attributes pcommon.Map, transport string) {
	for name := range attributes.All() {
		if name == feedback.AttrRecordUID && transport == feedback.TransportFile {
			continue // made here, of the line's place
		}
		if strings.HasPrefix(name, feedback.AttrPrefix) || name == feedback.AttrRecordUID {
			panic(name)
		}
	}
}
