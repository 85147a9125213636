// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// raiseInterval is how long the collector is given to act on a signal before
// it gets it again.
const raiseInterval = 100 * time.Millisecond

// earlySignals holds the signals that end or reload a collector while it does
// not listen for them yet. It begins to listen some time after its receivers
// have begun to accept events (otelcol.Collector.Run); a signal in between
// would have its default effect, which is the end of the process, and with it
// of the events that were acknowledged and are in memory.
type earlySignals struct {
	caught  chan os.Signal
	done    chan struct{}
	running sync.WaitGroup
}

// hold begins to catch signals, before any receiver starts. Each is raised
// again until acted is closed, which says that somebody heard it, or release
// is called.
func (s *earlySignals) hold(acted <-chan struct{}) {
	caught, done := make(chan os.Signal, 1), make(chan struct{})
	s.caught, s.done = caught, done
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	s.running.Go(func() {
		for {
			select {
			case sig := <-caught:
				raiseAgain(sig, acted, done)
			case <-done:
				return
			}
		}
	})
}

// release ends what hold began, and may be called without it.
func (s *earlySignals) release() {
	if s.done == nil {
		return
	}
	signal.Stop(s.caught)
	close(s.done)
	s.running.Wait()
	s.done = nil
}

// raiseAgain sends the signal to this process unless it is acted on in time.
// Sent so, it comes back to earlySignals as well, which then waits again.
func raiseAgain(sig os.Signal, acted, done <-chan struct{}) {
	timer := time.NewTimer(raiseInterval)
	defer timer.Stop()
	select {
	case <-acted:
	case <-done:
	case <-timer.C:
		// Windows cannot: there a Ctrl-C in these milliseconds has to be repeated.
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(sig)
		}
	}
}
