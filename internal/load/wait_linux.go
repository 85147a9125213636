// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"syscall"
	"time"
)

// pause waits about as long as it is told. The runtime's timers are a
// millisecond late on an idle machine, which would be seen in what is measured;
// this is some 60 µs late.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // woken early, the caller looks at the time again
}
