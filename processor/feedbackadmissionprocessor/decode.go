// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"unicode/utf8"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// transportOf tells how records came in that no receiver of ours brought.
//
// A peer address means a server took them: a file attribute on such records
// says where another machine read them. The Kafka receiver has no peer and puts
// the topic into the client's metadata.
func transportOf(info client.Info, ld plog.Logs) string {
	switch {
	case info.Addr != nil:
		return feedback.TransportOTLP
	case len(info.Metadata.Get("kafka.topic")) > 0:
		return feedback.TransportKafka
	case fromFile(ld):
		return feedback.TransportFile
	default:
		return feedback.TransportOTLP
	}
}

// fromFile looks at the first record: a scanner does not mix its lines with others'.
func fromFile(ld plog.Logs) bool {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				return scanned(lr.Attributes())
			}
		}
	}
	return false
}

// decode replaces each body that is JSON text by the event in it, and returns
// the sizes of the texts by position. A text that holds no event stays, for
// validation to say what is wrong with it.
func decode(ld plog.Logs, transport string) []int {
	var sizes []int
	position := 0
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if text, ok := textOf(lr.Body()); ok {
					if sizes == nil {
						sizes = make([]int, ld.LogRecordCount())
					}
					sizes[position] = len(text)
					if feedback.DecodeString(lr) && transport == feedback.TransportFile {
						identify(lr, text)
					}
				}
				position++
			}
		}
	}
	return sizes
}

// textOf returns the body's text. Bytes that are text become a string.
func textOf(body pcommon.Value) (string, bool) {
	switch body.Type() {
	case pcommon.ValueTypeStr:
		return body.Str(), true
	case pcommon.ValueTypeBytes:
		raw := body.Bytes().AsRaw()
		if !utf8.Valid(raw) {
			return "", false
		}
		text := string(raw)
		body.SetStr(text)
		return text, true
	default:
		return "", false
	}
}
