// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package wholepath

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"
)

// comment has 200 characters.
const comment = "The answer was helpful but it took a while; I would have liked a shorter summary and a link to the documentation, since the third paragraph repeats the first, and the code sample misses an import line"

// event is a user_feedback with a comment of 200 characters, clean of personal
// data as nine in ten are.
const event = `{"type":"user_feedback","event_id":"760e8400-e29b-41d4-a716-446655440000","timestamp":"%TIME%","session_id":"s-1234567890","request_id":"550e8400-e29b-41d4-a716-446655440000","user_id":"user-42","rating":4.5,"thumbs":"up","comment":"` + comment + `","tags":["quality","latency"],"metadata":{"app":"chat","locale":"en"}}`

func body() []byte {
	return bytes.ReplaceAll([]byte(event), []byte("%TIME%"), []byte(feedback.FormatTime(time.Now())))
}

// way holds what an event walks through.
type way struct {
	decoder *feedback.Decoder
	chain   consumer.Logs // validation, redaction, key
	next    consumer.Logs // in place of the encoding, unless nil
	value   []byte
	key     string
	values  int
}

func newWay(tb testing.TB) *way {
	tb.Helper()
	w := &way{decoder: feedback.NewDecoder()}
	var err error
	w.chain, err = consumer.NewLogs(w.encode, consumer.WithCapabilities(consumer.Capabilities{MutatesData: true}))
	require.NoError(tb, err)
	for _, factory := range []processor.Factory{
		partitionkeyprocessor.NewFactory(), piiredactionprocessor.NewFactory(), feedbackvalidationprocessor.NewFactory(),
	} {
		p, err := factory.CreateLogs(context.Background(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), w.chain)
		require.NoError(tb, err)
		require.NoError(tb, p.Start(context.Background(), componenttest.NewNopHost()))
		tb.Cleanup(func() { _ = p.Shutdown(context.Background()) })
		w.chain = p
	}
	return w
}

// encode is the end of the way: the Kafka value of each record.
func (w *way) encode(ctx context.Context, ld plog.Logs) error {
	if w.next != nil {
		return w.next.ConsumeLogs(ctx, ld)
	}
	for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		key, _ := lr.Attributes().Get(feedback.AttrPartitionKey)
		w.key = key.Str()
		w.value = feedback.AppendJSON(w.value[:0], lr.Body())
		w.values++
	}
	return nil
}

// walk takes a request of n events all the way.
func (w *way) walk(tb testing.TB, request []byte, n int) {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	sizes, _, fault := w.decoder.Decode(request, feedback.FormatNDJSON, n, records)
	if fault != nil {
		tb.Fatal(fault)
	}
	verdicts := feedback.NewVerdicts(n)
	ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportHTTP, Sizes: sizes, Verdicts: verdicts})
	if err := w.chain.ConsumeLogs(ctx, logs); err != nil {
		tb.Fatal(err)
	}
}

// scan reads the tokens of a request and does nothing with them: the least that
// the same JSON library can do.
func scan(tb testing.TB, decoder *jsontext.Decoder, in *bytes.Buffer, request []byte) (tokens int) {
	*in = *bytes.NewBuffer(request)
	decoder.Reset(in)
	for {
		if _, err := decoder.ReadToken(); errors.Is(err, io.EOF) {
			return tokens
		} else if err != nil {
			tb.Fatal(err)
		}
		tokens++
	}
}

// batch is how many events a request of the benchmarks holds.
const batch = 100

func request(n int) []byte {
	one := body()
	// The same id twice in a request would be refused.
	var b bytes.Buffer
	for i := range n {
		id := []byte("760e8400-e29b-41d4-a716-44665544000")
		id[24], id[25] = byte('a'+i/10%6), byte('0'+i%10)
		id[26] = byte('0' + i/60%10)
		b.Write(bytes.Replace(one, []byte("760e8400-e29b-41d4-a716-44665544000"), id, 1))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// BenchmarkWholePath compares a bare token scan with the whole way of the same
// bytes; ns/event and allocs/event are what to look at.
func BenchmarkWholePath(b *testing.B) {
	b.Run("scan", func(b *testing.B) {
		in := new(bytes.Buffer)
		decoder, tokens, all := jsontext.NewDecoder(in), 0, request(batch)
		for b.Loop() {
			tokens += scan(b, decoder, in, all)
		}
		require.Positive(b, tokens)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
	})
	b.Run("path", func(b *testing.B) {
		w, all := newWay(b), request(batch)
		b.ReportAllocs()
		for b.Loop() {
			w.walk(b, all, batch)
		}
		require.Equal(b, b.N*batch, w.values)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
	})
}

// BenchmarkRedact is the redaction of one clean comment alone.
func BenchmarkRedact(b *testing.B) {
	engine := pii.NewDefault()
	for b.Loop() {
		if after, err := engine.Redact(comment, nil); err != nil || after != comment {
			b.Fatal("a clean text was changed")
		}
	}
}

func TestWholePath(t *testing.T) {
	w, one := newWay(t), body()
	w.walk(t, one, 1)
	assert.Equal(t, 1, w.values)
	assert.Equal(t, "s-1234567890", w.key)
	assert.Equal(t, string(one), string(w.value), "in canonical form already")
}
