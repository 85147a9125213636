// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

func client(t *testing.T, g *target) (*grpc.ClientConn, feedbackv1.FeedbackServiceClient) {
	t.Helper()
	conn, err := send.Dial(g.GRPC)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn, feedbackv1.NewFeedbackServiceClient(conn)
}

// protoEvent is a valid event.
func protoEvent() *feedbackv1.FeedbackEvent {
	return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: &feedbackv1.UserFeedback{
		SessionId: proto.String("s-1"), RequestId: proto.String("0199b5a2-0000-7000-8000-000000000001"), Rating: proto.Float64(4),
	}}}
}

// raw is a codec by which a client sends what bytes it likes.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }

// TestGRPCMessages: messages that are too large, become too large, or hold far
// more than their bytes tell.
func TestGRPCMessages(t *testing.T) {
	g := attackedEnv(t, smallMachine, smallLimiter)
	conn, feedback := client(t, g)
	invoke := func(message []byte, opts ...grpc.CallOption) codes.Code {
		var answer []byte
		opts = append(opts, grpc.ForceCodec(raw{}), grpc.MaxCallSendMsgSize(1<<30))
		return status.Code(conn.Invoke(t.Context(), feedbackv1.FeedbackService_Submit_FullMethodName, &message, &answer, opts...))
	}
	emptyEvents := bytes.Repeat([]byte{1<<3 | 2, 0}, 10*mib-100)
	user := bytes.Repeat([]byte{7<<3 | 2, 0}, 9*mib) // an event of nine million empty tags

	for _, tt := range []struct {
		name    string
		message []byte
		opts    []grpc.CallOption
		want    codes.Code
	}{
		{"larger than allowed", bytes.Repeat([]byte{0}, 21*mib), nil, codes.ResourceExhausted},
		{"a bomb", bytes.Repeat([]byte{0}, 64*mib), []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, codes.ResourceExhausted},
		{"ten million empty events", emptyEvents, nil, codes.ResourceExhausted},
		{"the same, compressed", emptyEvents, []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, codes.ResourceExhausted},
		{"nine million empty tags", nested(user), nil, codes.ResourceExhausted},
		{"groups in groups", bytes.Repeat([]byte{1<<3 | 3}, 19*mib), nil, codes.InvalidArgument},
		{"messages in messages", bytes.Repeat([]byte{1<<3 | 2, 0xff, 0xff, 0xff, 0x7f}, 3*mib), nil, codes.InvalidArgument},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cpu := g.cpu(t)
			assert.Equal(t, tt.want, invoke(tt.message, tt.opts...))
			t.Logf("%d bytes: %s after %s of CPU", len(tt.message), tt.want, (g.cpu(t) - cpu).Round(time.Millisecond))
		})
	}
	t.Run("metadata without end", func(t *testing.T) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x", strings.Repeat("x", 256<<10))
		_, err := feedback.Submit(ctx, &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{protoEvent()}})
		assert.Error(t, err)
	})
	t.Run("fifty clients at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				assert.Contains(t, []codes.Code{codes.ResourceExhausted, codes.Unavailable}, invoke(emptyEvents[:2*mib]))
			})
		}
		wg.Wait()
	})
	t.Logf("peak RSS %d MiB", g.peak(t)/mib)
	assert.Less(t, g.peak(t), int64(smallMemory))
	assert.Eventually(t, func() bool {
		_, err := feedback.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{protoEvent()}})
		return err == nil
	}, 10*time.Second, 50*time.Millisecond, "it recovers")
}

// nested is a request with one event of user feedback that holds these fields.
func nested(fields []byte) []byte {
	wrap := func(tag byte, b []byte) []byte {
		return append(append([]byte{tag<<3 | 2}, varint(len(b))...), b...)
	}
	return wrap(1, wrap(10, fields))
}

func varint(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// TestGRPCStreams: a million tiny messages, and thousands of streams.
func TestGRPCStreams(t *testing.T) {
	g := attacked(t)
	_, feedback := client(t, g)
	t.Run("tiny messages", func(t *testing.T) {
		before := g.rss(t)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		const streams, each = 4, 250_000
		var answered atomic.Int64
		var wg sync.WaitGroup
		for range streams {
			stream, err := feedback.SubmitStream(ctx)
			require.NoError(t, err)
			wg.Go(func() {
				for range each {
					if stream.Send(&feedbackv1.SubmitRequest{}) != nil {
						return
					}
				}
				_ = stream.CloseSend()
			})
			wg.Go(func() {
				for {
					if _, err := stream.Recv(); err != nil {
						return
					}
					answered.Add(1)
				}
			})
		}
		g.serves(t, 50, 250*time.Millisecond, 2*time.Second)
		wg.Wait()
		t.Logf("%d of a million messages were answered in the time; RSS %d MiB more", answered.Load(), (g.rss(t)-before)/mib)
		assert.Less(t, g.rss(t)-before, int64(64*mib+garbage))
	})
	t.Run("answers that nobody reads", func(t *testing.T) {
		before := g.rss(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		stream, err := feedback.SubmitStream(ctx)
		require.NoError(t, err)
		sent := 0
		for stream.Send(&feedbackv1.SubmitRequest{Events: make([]*feedbackv1.FeedbackEvent, 500)}) == nil {
			sent++ // until flow control holds it up and the time is over
		}
		t.Logf("%d requests were taken; RSS %d MiB more", sent, (g.rss(t)-before)/mib)
		assert.Less(t, g.rss(t)-before, int64(64*mib+garbage))
	})
	t.Run("thousands of streams", func(t *testing.T) {
		for name, address := range map[string]string{"gRPC": g.GRPC, "OTLP": g.OTLPGRPC} {
			before := g.rss(t)
			h := speak(t, dial(t, address))
			const n = 5000
			for i := range n {
				err := h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: h.headers(asGRPC...), EndHeaders: true})
				if err != nil {
					break // the server hung up: as well
				}
			}
			require.Eventually(t, func() bool {
				return h.refused.Load() >= n-100 || h.over()
			}, 10*time.Second, 10*time.Millisecond, "%s: only %d of %d streams were refused", name, h.refused.Load(), n)
			t.Logf("%s: %d of %d streams were refused; RSS %d MiB more", name, h.refused.Load(), n, (g.rss(t)-before)/mib)
		}
	})
	g.lives(t)
}

// TestGRPCHalfMessages: on one connection, a hundred messages of 20 MiB that are
// all but complete, and then nothing.
func TestGRPCHalfMessages(t *testing.T) {
	g := attacked(t)
	const streams, announced = 100, 20 * mib
	before := g.rss(t)
	h := speak(t, dial(t, g.GRPC))
	for i := range streams {
		id := uint32(2*i + 1)
		require.NoError(t, h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.headers(asGRPC...), EndHeaders: true}))
		require.NoError(t, h.framer.WriteData(id, false, []byte{0, 0x01, 0x40, 0, 0})) // 20 MiB follow
	}
	chunk := make([]byte, 16<<10)
	sent := 0
	for end := time.Now().Add(10 * time.Second); sent < streams*announced/4 && !h.over() && time.Now().Before(end); {
		for i := range streams {
			if id := uint32(2*i + 1); h.may(id, len(chunk)) && h.framer.WriteData(id, false, chunk) == nil {
				sent += len(chunk)
			}
		}
	}
	t.Logf("%d MiB were sent; RSS %d MiB more", sent/mib, (g.rss(t)-before)/mib)
	assert.True(t, h.over(), "it was not cut")
	assert.Less(t, g.rss(t)-before, int64(128*mib+garbage))
	_, feedback := client(t, g)
	_, err := feedback.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{protoEvent()}})
	assert.NoError(t, err)
}
