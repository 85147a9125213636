// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package load

import "time"

// UsageOf fails with ErrUsage.
func UsageOf(int) (Usage, error) { return Usage{}, ErrUsage }

// ResetPeak fails with ErrUsage.
func ResetPeak(int) error { return ErrUsage }

// Listener fails with ErrUsage.
func Listener(int) (int, error) { return 0, ErrUsage }

func ownCPU() time.Duration { return 0 }
