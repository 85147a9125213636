// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeline notes when alerts turn on and off.
type timeline struct {
	server *server
	start  time.Time

	mu     sync.Mutex // guards all below
	states map[string]string
	stage  string
	lines  []string
}

// watch looks at the alerts until the test is over.
func watch(t *testing.T, s *server) *timeline {
	w := &timeline{server: s, start: time.Now(), states: map[string]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(500 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if states, err := s.alerts(ctx); err == nil {
				w.note(states)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
		summarise(t, w.String())
	})
	return w
}

// summarise logs what was seen, and adds it to the file FEEDBACK_SUMMARY names.
func summarise(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
	name := os.Getenv("FEEDBACK_SUMMARY")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Error(err)
	}
}

func (w *timeline) note(states map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[string]bool{}
	for name := range states {
		names[name] = true
	}
	for name := range w.states {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if state := states[name]; state != w.states[name] {
			if state == "" {
				state = "off"
			}
			w.add(fmt.Sprintf("%-36s %s", name, state))
		}
	}
	w.states = states
}

// add writes a line; the caller holds mu.
func (w *timeline) add(text string) {
	w.lines = append(w.lines, fmt.Sprintf("%6.1fs  %s", time.Since(w.start).Seconds(), text))
}

// say writes what else was seen.
func (w *timeline) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(fmt.Sprintf(format, args...))
}

// begin starts a stage.
func (w *timeline) begin(stage string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stage = stage
	w.add("-- " + stage)
}

func (w *timeline) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return "alerts, in windows of seconds:\n" + strings.Join(w.lines, "\n") + "\n"
}

// await waits until all of these alerts were firing since the stage began, at
// some time, and returns those that were not.
func (w *timeline) await(t *testing.T, patience time.Duration, names ...string) {
	t.Helper()
	seen := map[string]bool{}
	w.until(t, patience, func(states map[string]string) (missing []string) {
		for _, name := range names {
			seen[name] = seen[name] || states["Feedback"+name] == firing
			if !seen[name] {
				missing = append(missing, name+" does not fire")
			}
		}
		return missing
	})
}

// awaitOff waits until each of these alerts has not fired for two seconds, at
// some time. A busy machine may set others off.
func (w *timeline) awaitOff(t *testing.T, patience time.Duration, names ...string) {
	t.Helper()
	const enough = 4
	quiet := map[string]int{}
	w.until(t, patience, func(states map[string]string) (loud []string) {
		for _, name := range names {
			switch {
			case quiet[name] >= enough:
			case states["Feedback"+name] == firing:
				quiet[name] = 0
			default:
				quiet[name]++
			}
			if quiet[name] < enough {
				loud = append(loud, name+" still fires")
			}
		}
		return loud
	})
}

// until looks twice a second until nothing is wrong.
func (w *timeline) until(t *testing.T, patience time.Duration, wrong func(map[string]string) []string) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		w.mu.Lock()
		faults, stage := wrong(w.states), w.stage
		w.mu.Unlock()
		if len(faults) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-timeout.C:
			t.Fatalf("%s: %s within %s", stage, strings.Join(faults, ", "), patience)
		}
	}
}
