// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package feedbackkafkaexporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/config/configcompression"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

// BenchmarkCodecs compresses the records of batches as Kafka gets them, realistic
// events with key and headers, by the codec that a configuration chooses.
//
//	go test -run '^$' -bench Codecs ./exporter/feedbackkafkaexporter
func BenchmarkCodecs(b *testing.B) {
	for _, c := range []struct {
		name  string
		level configcompression.Level
	}{{"none", 0}, {"gzip", 1}, {"gzip", 0}, {"gzip", 9}, {"zstd", 0}, {"zstd", 1}, {"lz4", 0}, {"snappy", 0}} {
		for _, size := range []int{1, 8, 100, 1000} {
			b.Run(fmt.Sprintf("%s-%d/%d", c.name, c.level, size), func(b *testing.B) {
				cfg := createDefaultConfig().(*Config)
				cfg.Producer.Compression, cfg.Producer.CompressionParams.Level = c.name, c.level
				compressor, err := kgo.DefaultCompressor(codec(cfg.Producer))
				require.NoError(b, err)
				batches := sampleBatches(b, size, max(1, 2000/size))
				var dst bytes.Buffer
				events, written := 0, 0
				before := cpuTime(b)
				for i := 0; b.Loop(); i++ {
					src := batches[i%len(batches)]
					events += size
					if compressor == nil { // none
						written += len(src)
						continue
					}
					dst.Reset()
					out, _ := compressor.Compress(&dst, src)
					written += len(out)
				}
				b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(events)/1000, "cpu-µs/event")
				b.ReportMetric(float64(written)/float64(events), "bytes/event")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// sampleBatches are the records of n batches of a size.
func sampleBatches(b *testing.B, size, n int) (out [][]byte) {
	b.Helper()
	g := sample.New(1)
	headers := []kmsg.Header{
		{Key: headerEventType}, {Key: headerEventID}, {Key: headerTimestamp}, {Key: headerSchemaVersion, Value: []byte(schemaVersion)},
		{Key: headerContentType, Value: []byte(contentType)}, {Key: headerCollectorID, Value: []byte("collector-7")},
		{Key: headerCollectorVersion, Value: []byte("1.2.3")},
	}
	for range n {
		var batch []byte
		for i := range size {
			value := g.Event()
			var event struct {
				Type      string `json:"type"`
				EventID   string `json:"event_id"`
				Timestamp string `json:"timestamp"`
				RequestID string `json:"request_id"`
			}
			require.NoError(b, json.Unmarshal(value, &event))
			headers[0].Value, headers[1].Value, headers[2].Value = []byte(event.Type), []byte(event.EventID), []byte(event.Timestamp)
			r := kmsg.Record{OffsetDelta: int32(i), Key: []byte(event.RequestID), Value: value, Headers: headers}
			r.Length = int32(len(value)) // about; it is one varint
			batch = r.AppendTo(batch)
		}
		out = append(out, batch)
	}
	return out
}
