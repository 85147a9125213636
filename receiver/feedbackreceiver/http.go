// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"

	"go.opentelemetry.io/collector/component"
)

// httpServer is the state of the HTTP half.
type httpServer struct{}

func (r *feedbackReceiver) startHTTP(context.Context, component.Host) error { return nil }

func (r *feedbackReceiver) shutdownHTTP(context.Context) error { return nil }

var codecs = map[string]struct{}{}
