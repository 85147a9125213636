// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package embeddedkafkaextension

import "os"

// lockFile does nothing where the system has no flock: the port keeps a second
// broker away there, if both use the same.
func lockFile(*os.File) error { return nil }
