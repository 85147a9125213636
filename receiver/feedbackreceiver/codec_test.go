// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// FuzzCompressedBody: no bytes make a decoder panic, hang or write more than the
// limit, and all that was counted is given back.
func FuzzCompressedBody(f *testing.F) {
	const limit = 64 << 10
	var names []string
	for name := range codecs {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		body := compress(f, name, good)
		f.Add(body, uint8(i))
		f.Add(slices.Concat(body, body), uint8(i))
		f.Add(body[:len(body)/2], uint8(i))
	}
	f.Add(append(slices.Clone(zstdLargeWindow), 1, 2, 3), uint8(slices.Index(names, "zstd")))
	account := feedbackruntimeextension.NewAccount(1, 64<<20, time.Millisecond)
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		name := names[int(which)%len(names)]
		hold := account.Open()
		b := newBodyBuffer(context.Background(), hold, limit)
		err := bodyError(readCompressed(b, bytes.NewReader(body), codecs[name], int64(len(body))), nil, name)
		if err == nil {
			require.LessOrEqual(t, len(b.buf), limit)
		}
		b.free()
		hold.Release()
		require.Zero(t, account.Bytes())
	})
}
