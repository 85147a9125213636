// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

var (
	errStarting   = errors.New("starting")
	errDraining   = errors.New("shutting down: requests are taken for a while longer")
	errStopping   = errors.New("shutting down")
	errBufferFull = errors.New("the buffer has been full for 5 s or more")
)

// safeStatusTypes are the components whose status errors are written in this
// repository to be shown to anyone. The error of another component could
// repeat a credential or an address.
var safeStatusTypes = []component.Type{component.MustNewType("feedbackkafka")}

// Readiness implements Runtime.
func (e *runtimeExtension) Readiness() error {
	switch {
	case isClosed(e.stopping):
		return errStopping
	case isClosed(e.draining):
		return errDraining
	case !isClosed(e.started):
		return errStarting
	}
	if err := e.status.err(); err != nil {
		return err
	}
	if e.account.lastingFull() {
		return errBufferFull
	}
	return nil
}

// ComponentStatusChanged implements componentstatus.Watcher.
func (e *runtimeExtension) ComponentStatusChanged(source *componentstatus.InstanceID, event *componentstatus.Event) {
	if source.Kind() == component.KindExtension {
		return // extensions do not carry events
	}
	e.status.set(source, event)
}

// componentStatus knows the components of the pipelines that are in trouble.
type componentStatus struct {
	mu sync.Mutex
	// reasons has at most one entry for each component of the pipelines.
	reasons map[componentstatus.InstanceID]string
}

// set records an event. An error lasts until the component reports that it is
// well again, or stops.
func (s *componentStatus) set(source *componentstatus.InstanceID, event *componentstatus.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event.Status() {
	case componentstatus.StatusRecoverableError, componentstatus.StatusPermanentError, componentstatus.StatusFatalError:
		if s.reasons == nil {
			s.reasons = make(map[componentstatus.InstanceID]string)
		}
		s.reasons[*source] = reason(source, event)
	case componentstatus.StatusOK, componentstatus.StatusStopping, componentstatus.StatusStopped:
		delete(s.reasons, *source)
	}
}

// err names every component in trouble, or is nil.
func (s *componentStatus) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.reasons) == 0 {
		return nil
	}
	reasons := make([]string, 0, len(s.reasons))
	for _, r := range s.reasons {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	return errors.New(strings.Join(slices.Compact(reasons), "; "))
}

// reason says which component is in trouble and, where that is safe, why.
func reason(source *componentstatus.InstanceID, event *componentstatus.Event) string {
	id := source.ComponentID()
	text := strings.ToLower(source.Kind().String()) + " " + id.String() + ": "
	if err := event.Err(); err != nil && slices.Contains(safeStatusTypes, id.Type()) {
		return text + err.Error()
	}
	if event.Status() == componentstatus.StatusRecoverableError {
		return text + "recoverable error"
	}
	return text + "permanent error"
}
