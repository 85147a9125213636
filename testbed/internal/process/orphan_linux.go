// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package process

import "syscall"

// attributes end a child when the test process is killed, with whatever it
// still runs.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
