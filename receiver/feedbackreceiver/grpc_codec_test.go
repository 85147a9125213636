// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
)

func TestRequestCodec(t *testing.T) {
	codec := newRequestCodec(3, 1)
	decode := func(message []byte) (*feedbackv1.SubmitRequest, error) {
		req := &feedbackv1.SubmitRequest{}
		return req, codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(message)}, req)
	}
	event := []byte{1<<3 | 2, 0}
	for n := range 4 {
		req, err := decode(bytes.Repeat(event, n))
		require.NoError(t, err)
		assert.Len(t, req.Events, n)
		require.NoError(t, undecoded(req.Events, 3))
	}
	for _, n := range []int{4, 5, 1 << 20} {
		req, err := decode(bytes.Repeat(event, n))
		require.NoError(t, err)
		assert.Equal(t, errGRPCTooManyEvents, undecoded(req.Events, 3))
	}

	tags := protowire.AppendTag(nil, 1, protowire.BytesType)
	user := bytes.Repeat([]byte{7<<3 | 2, 0}, 100_000) // 11 MiB of fields at 112 bytes
	tags = protowire.AppendBytes(tags, protowire.AppendBytes(protowire.AppendTag(nil, 10, protowire.BytesType), user))
	req, err := decode(tags)
	require.NoError(t, err)
	assert.Equal(t, errGRPCTooLarge, undecoded(req.Events, 3))

	_, err = decode([]byte{1<<3 | 2, 200})
	require.Error(t, err)

	// Other messages are not its concern.
	other := &feedbackv1.SubmitResponse{Accepted: 3}
	b, err := codec.Marshal(other)
	require.NoError(t, err)
	got := &feedbackv1.SubmitResponse{}
	require.NoError(t, codec.Unmarshal(b, got))
	assert.True(t, proto.Equal(other, got))
	assert.Equal(t, encoding.GetCodecV2("proto").Name(), codec.Name())
}

// FuzzRequestCodec: no message makes the count panic, and what passes is decoded
// as without it.
func FuzzRequestCodec(f *testing.F) {
	seed, err := proto.Marshal(&feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{goodEvent(), {}, goodEvent()}})
	require.NoError(f, err)
	f.Add(seed)
	f.Add(bytes.Repeat([]byte{1<<3 | 2, 0}, 12))
	f.Add([]byte{1<<3 | 2, 200, 1, 0x0b, 0x0c})
	codec := newRequestCodec(10, 1)
	f.Fuzz(func(t *testing.T, message []byte) {
		want, got := &feedbackv1.SubmitRequest{}, &feedbackv1.SubmitRequest{}
		wantErr := proto.Unmarshal(message, want)
		err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(message)}, got)
		if undecoded(got.Events, 10) != nil {
			return
		}
		require.Equal(t, wantErr == nil, err == nil)
		if err == nil {
			require.Len(t, got.Events, len(want.Events), "what has more events than allowed is not decoded")
			require.True(t, proto.Equal(want, got))
			unfoldedEvents(got.Events)
		}
	})
}
