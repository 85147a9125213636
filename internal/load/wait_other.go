// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package load

import "time"

// pause waits about as long as it is told.
func pause(d time.Duration) { <-time.After(d) }
