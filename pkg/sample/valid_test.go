// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sample_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

// TestValid: what is made up passes the one judge, even the strictest.
func TestValid(t *testing.T) {
	g := sample.New(1)
	v := feedback.Validator{Limits: feedback.DefaultLimits(), UnknownFields: feedback.RejectUnknown}
	d := feedback.NewDecoder()
	for range 5000 {
		text := g.Event()
		logs := plog.NewLogRecordSlice()
		sizes, _, err := d.Decode(text, feedback.FormatJSON, 1, logs)
		require.Nil(t, err)
		verdict := v.Validate(logs.At(0), sizes[0], time.Now())
		require.False(t, verdict.Refused(), "%v: %s", verdict.Errors, text)
		require.Contains(t, string(text), verdict.EventID)
	}
}
