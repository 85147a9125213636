// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package process

import "syscall"

// attributes are none: a child outlives a test process that is killed.
func attributes() *syscall.SysProcAttr { return nil }
