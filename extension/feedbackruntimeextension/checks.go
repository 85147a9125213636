// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"

	"go.opentelemetry.io/collector/extension/extensioncapabilities"
)

// NotifyConfigSnapshot implements extensioncapabilities.ConfigSnapshotWatcher.
// An error keeps the collector from starting.
func (e *runtimeExtension) NotifyConfigSnapshot(context.Context, extensioncapabilities.ConfigSnapshot) error {
	return nil
}
