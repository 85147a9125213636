// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import "os"

// Where there is no flock, it is up to the operator that no two processes share
// a directory.
func lockFile(*os.File) (taken bool, err error) { return true, nil }

// syncDir: names are durable with the files here, or cannot be made so.
func syncDir(string) error { return nil }
