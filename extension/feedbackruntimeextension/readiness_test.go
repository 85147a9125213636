// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
)

func newTestExtension(t *testing.T, change func(*Config)) *runtimeExtension {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	e := newExtension(set, cfg)
	e.checkMachine = func(context.Context, wholeConfig) []error { return nil } // whatever else runs on it
	t.Cleanup(func() { assert.NoError(t, e.Shutdown(context.Background())) })
	return e
}

func instance(kind component.Kind, id string, pipelines ...pipeline.ID) *componentstatus.InstanceID {
	var parsed component.ID
	if err := parsed.UnmarshalText([]byte(id)); err != nil {
		panic(err)
	}
	return componentstatus.NewInstanceID(parsed, kind, pipelines...)
}

func TestReadinessByComponents(t *testing.T) {
	kafka := instance(component.KindExporter, "feedbackkafka/main")
	otlp := instance(component.KindReceiver, "otlp", pipeline.NewID(pipeline.SignalLogs))
	zpages := instance(component.KindExtension, "zpages")
	away := errors.New("Kafka is away and there is no spool")
	secret := errors.New("MARKER-7f3a password")

	type change struct {
		source *componentstatus.InstanceID
		event  *componentstatus.Event
	}
	ok := componentstatus.NewEvent(componentstatus.StatusOK)
	for name, tc := range map[string]struct {
		changes []change
		want    string
	}{
		"nothing reported": {},
		"all well":         {changes: []change{{kafka, ok}, {otlp, ok}}},
		"starting is no error": {
			changes: []change{{kafka, componentstatus.NewEvent(componentstatus.StatusStarting)}},
		},
		"exporter's own words": {
			changes: []change{{kafka, componentstatus.NewRecoverableErrorEvent(away)}},
			want:    "exporter feedbackkafka/main: Kafka is away and there is no spool",
		},
		"others' words may hold secrets": {
			changes: []change{{otlp, componentstatus.NewPermanentErrorEvent(secret)}},
			want:    "receiver otlp: permanent error",
		},
		"fatal": {
			changes: []change{{otlp, componentstatus.NewFatalErrorEvent(secret)}},
			want:    "receiver otlp: permanent error",
		},
		"several": {
			changes: []change{
				{otlp, componentstatus.NewRecoverableErrorEvent(secret)},
				{kafka, componentstatus.NewRecoverableErrorEvent(away)},
			},
			want: "exporter feedbackkafka/main: Kafka is away and there is no spool; receiver otlp: recoverable error",
		},
		"well again": {
			changes: []change{{kafka, componentstatus.NewRecoverableErrorEvent(away)}, {kafka, ok}},
		},
		"latest words": {
			changes: []change{
				{kafka, componentstatus.NewRecoverableErrorEvent(errors.New("first"))},
				{kafka, componentstatus.NewRecoverableErrorEvent(away)},
			},
			want: "exporter feedbackkafka/main: Kafka is away and there is no spool",
		},
		"stopped": {
			changes: []change{
				{otlp, componentstatus.NewPermanentErrorEvent(secret)},
				{otlp, componentstatus.NewEvent(componentstatus.StatusStopping)},
			},
		},
		"extensions carry no events": {
			changes: []change{{zpages, componentstatus.NewPermanentErrorEvent(secret)}},
		},
		"an error without words": {
			changes: []change{{kafka, componentstatus.NewEvent(componentstatus.StatusRecoverableError)}},
			want:    "exporter feedbackkafka/main: recoverable error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTestExtension(t, nil)
			require.NoError(t, e.Ready())
			for _, c := range tc.changes {
				e.ComponentStatusChanged(c.source, c.event)
			}
			if tc.want == "" {
				require.NoError(t, e.Readiness())
				return
			}
			require.EqualError(t, e.Readiness(), tc.want)
			assert.NotContains(t, e.Readiness().Error(), "MARKER")
		})
	}
}

func TestReadinessByPhase(t *testing.T) {
	e := newTestExtension(t, nil)
	e.ComponentStatusChanged(instance(component.KindReceiver, "otlp"), componentstatus.NewPermanentErrorEvent(errors.New("x")))
	require.ErrorIs(t, e.Readiness(), errStarting)
	require.NoError(t, e.Ready())
	require.NoError(t, e.Ready())
	require.EqualError(t, e.Readiness(), "receiver otlp: permanent error")
	e.beginDraining()
	require.ErrorIs(t, e.Readiness(), errDraining)
	e.beginStopping()
	require.ErrorIs(t, e.Readiness(), errStopping)
}

// fullAccount fills the account of a ready extension to the given events of 10
// and lets one Grow find no room.
func fullAccount(t *testing.T, events, asked int) (*runtimeExtension, *Hold) {
	t.Helper()
	e := newTestExtension(t, func(c *Config) { c.Capacity, c.EnqueueTimeout = 10, time.Second })
	require.NoError(t, e.Ready())
	h := e.Account().Open()
	require.NoError(t, h.Grow(t.Context(), events, 0))
	require.ErrorIs(t, e.Account().Open().Grow(t.Context(), asked, 0), ErrFull) // one second
	return e, h
}

func TestReadinessTurnsAfterFiveSecondsOfAFullBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, h := fullAccount(t, 10, 1)
		pass(4*time.Second - time.Millisecond)
		require.NoError(t, e.Readiness(), "a burst")
		pass(time.Millisecond)
		require.ErrorIs(t, e.Readiness(), errBufferFull)

		e.Account().Hand(h, 2, 0)
		e.Account().Done(2, 0)
		require.ErrorIs(t, e.Readiness(), errBufferFull, "at 80 %%: there is room, but it does not flap")
		require.NoError(t, h.Grow(t.Context(), 1, 0))
		e.Account().Hand(h, 2, 0)
		e.Account().Done(2, 0)
		require.NoError(t, e.Readiness(), "below 80 %%")
		h.Release()
	})
}

func TestABreakStartsTheFiveSecondsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, h := fullAccount(t, 10, 1)
		pass(3 * time.Second)
		e.Account().Hand(h, 1, 0)
		e.Account().Done(1, 0) // room for one: 90 %
		pass(10 * time.Second)
		require.NoError(t, e.Readiness())

		require.NoError(t, h.Grow(t.Context(), 1, 0))
		require.ErrorIs(t, e.Account().Open().Grow(t.Context(), 1, 0), ErrFull)
		require.NoError(t, e.Readiness())
		pass(4 * time.Second)
		require.ErrorIs(t, e.Readiness(), errBufferFull)
		h.Release()
		require.NoError(t, e.Readiness())
	})
}

func TestRoomThatIsTakenAtOnceIsNoBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, h := fullAccount(t, 10, 1)
		for range 8 { // what leaves is replaced by who waits
			next, done := growLater(t.Context(), e.Account(), 1, 0)
			pass(500 * time.Millisecond)
			e.Account().Hand(h, 1, 0)
			e.Account().Done(1, 0)
			require.NoError(t, <-done)
			defer next.Release()
		}
		require.ErrorIs(t, e.Readiness(), errBufferFull)
		h.Release()
	})
}

func TestALargeRequestDoesNotMakeAHalfEmptyBufferFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, h := fullAccount(t, 6, 5)
		pass(time.Minute)
		require.NoError(t, e.Readiness())
		h.Release()
	})
}
