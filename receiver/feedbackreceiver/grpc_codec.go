// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
)

// Two bytes of a message can be an event, or a tag of one: decoded, a hundred
// bytes and more. grpc-go decodes a message before anybody is asked, so the codec
// looks first.

// What the parts of a message take in memory, decoded and as log records.
const (
	unfoldedMessage = 1600 // an event
	unfoldedField   = 112  // a field of an event, or of what is in it
)

// maxUnfolding bounds what a request may become in memory: four times the
// largest message, more than any of usual events needs.
const maxUnfolding = 4

// requestCodec decodes requests of so many events, and not larger in memory than
// some multiple of the largest message. grpc-go hides what a codec says, so a
// request that is refused goes on undecoded, see undecoded.
type requestCodec struct {
	encoding.CodecV2
	refused []*feedbackv1.FeedbackEvent
	maxSize int64
}

// By how many events more than allowed an undecoded request is told.
const (
	tooMany  = 1
	tooLarge = 2
)

func newRequestCodec(maxEvents, maxMessageMiB int) requestCodec {
	return requestCodec{
		CodecV2: encoding.GetCodecV2("proto"),
		refused: make([]*feedbackv1.FeedbackEvent, maxEvents+tooLarge),
		maxSize: maxUnfolding * int64(maxMessageMiB) << 20,
	}
}

// Unmarshal implements encoding.CodecV2.
func (c requestCodec) Unmarshal(data mem.BufferSlice, v any) error {
	req, ok := v.(*feedbackv1.SubmitRequest)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	maxEvents := len(c.refused) - tooLarge
	events, size := unfoldedRequest(whole.ReadOnlyData(), maxEvents)
	switch {
	case events > maxEvents:
		req.Events = c.refused[:maxEvents+tooMany]
		return nil
	case size > c.maxSize:
		req.Events = c.refused
		return nil
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{whole}, v)
}

// undecoded is why the codec did not decode a request, nil if it did.
func undecoded(events []*feedbackv1.FeedbackEvent, maxEvents int) error {
	switch {
	case len(events) <= maxEvents:
		return nil
	case len(events) == maxEvents+tooLarge && events[0] == nil:
		return errGRPCTooLarge
	default:
		return errGRPCTooManyEvents
	}
}

// unfoldedRequest counts the events of a message, up to one more than
// maxEvents, and says about how large they are in memory. What is no message
// ends the count: decoding will say so.
func unfoldedRequest(b []byte, maxEvents int) (events int, size int64) {
	size = int64(len(b))
	fields(b, func(field protowire.Number, event []byte) bool {
		if field != 1 {
			return true
		}
		events++
		size += unfoldedMessage + int64(len(event))
		fields(event, func(_ protowire.Number, inner []byte) bool {
			size += unfoldedField
			fields(inner, func(protowire.Number, []byte) bool {
				size += unfoldedField
				return true
			})
			return true
		})
		return events <= maxEvents
	})
	return events, size
}

// fields calls each for every field of a message until that returns false; of
// fields that hold no bytes the value is nil.
func fields(b []byte, each func(protowire.Number, []byte) bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		var value []byte
		if kind == protowire.BytesType {
			value, n = protowire.ConsumeBytes(b)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 || !each(number, value) {
			return
		}
		b = b[n:]
	}
}

// unfoldedEvents is about the memory, in bytes, that decoded events and their log
// records take beside their texts.
func unfoldedEvents(events []*feedbackv1.FeedbackEvent) int64 {
	size := int64(len(events)) * unfoldedMessage
	for _, e := range events {
		user, performance := e.GetUserFeedback(), e.GetPerformanceMetrics()
		size += unfoldedField * int64(len(user.GetTags())+len(user.GetMetadata())+len(performance.GetCustomMetrics()))
	}
	return size
}
