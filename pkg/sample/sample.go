// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// How much a generator remembers, so that keys repeat.
const (
	sessionCount    = 64
	requestCount    = 128
	experimentCount = 4
)

// Generator makes events. Two generators of one seed make the same events but
// for the times in them and in their ids. It is not safe for concurrent use.
type Generator struct {
	rng         *rand.Rand
	now         func() time.Time
	sequence    uint16
	sessions    []session
	requests    []request
	nextRequest int
	experiments []experiment
	buf         bytes.Buffer
	enc         *json.Encoder
}

// session is one user's conversation.
type session struct {
	id, user string
}

// request is one question to a model; events of three types tell about it.
type request struct {
	id, traceID, spanID string
	session             session
	model               model
}

type experiment struct {
	id, kind string
	variants []string
}

// New returns a generator whose choices follow from seed.
func New(seed uint64) *Generator {
	return newGenerator(seed, time.Now)
}

func newGenerator(seed uint64, now func() time.Time) *Generator {
	g := &Generator{
		rng: rand.New(rand.NewPCG(seed, 0x5f3c9d2e71b8a604)),
		now: now,
	}
	g.enc = json.NewEncoder(&g.buf)
	g.enc.SetEscapeHTML(false)
	for range sessionCount {
		g.sessions = append(g.sessions, g.newSession())
	}
	for range requestCount {
		g.requests = append(g.requests, g.newRequest())
	}
	kinds := []string{"a_b_test", "multi_armed_bandit", "parameter_tuning"}
	for i := range experimentCount {
		g.experiments = append(g.experiments, experiment{
			id:       g.uuid(),
			kind:     kinds[i%len(kinds)],
			variants: []string{"control", "treatment-a", "treatment-b"}[:2+i%2],
		})
	}
	return g
}

// Event returns the JSON text of the next event; its type is chosen as often as
// an application would send it.
func (g *Generator) Event() []byte {
	switch n := g.rng.IntN(100); {
	case n < 35:
		return g.OfType(feedback.TypeUserFeedback)
	case n < 65:
		return g.OfType(feedback.TypePerformanceMetrics)
	case n < 85:
		return g.OfType(feedback.TypeModelResponse)
	case n < 92:
		return g.OfType(feedback.TypeSystemHealth)
	default:
		return g.OfType(feedback.TypeExperimentResult)
	}
}

// OfType returns the JSON text of the next event, which is of the given type;
// nil if that is none of the five.
func (g *Generator) OfType(eventType string) []byte {
	var event any
	switch eventType {
	case feedback.TypeUserFeedback:
		event = g.userFeedback()
	case feedback.TypePerformanceMetrics:
		event = g.performanceMetrics()
	case feedback.TypeModelResponse:
		event = g.modelResponse()
	case feedback.TypeSystemHealth:
		event = g.systemHealth()
	case feedback.TypeExperimentResult:
		event = g.experimentResult()
	default:
		return nil
	}
	g.buf.Reset()
	if err := g.enc.Encode(event); err != nil {
		panic(err) // the structs of this package always encode
	}
	return bytes.Clone(bytes.TrimSuffix(g.buf.Bytes(), []byte("\n")))
}

// uuid returns a UUIDv7: the time, a sequence number and random bits of the seed.
func (g *Generator) uuid() string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(g.now().UnixMilli())<<16)
	g.sequence++
	binary.BigEndian.PutUint16(id[6:8], 0x7000|g.sequence&0x0fff)
	binary.BigEndian.PutUint64(id[8:], g.rng.Uint64())
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// hex returns n random bytes in hexadecimal, never all zero.
func (g *Generator) hex(n int) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 2*n)
	for i := range out {
		out[i] = digits[g.rng.IntN(16)]
	}
	out[0] = digits[1+g.rng.IntN(15)]
	return string(out)
}

func (g *Generator) newSession() session {
	s := session{id: "sess-" + g.hex(8)}
	if g.chance(70) {
		s.user = "user-" + g.hex(4)
	}
	return s
}

func (g *Generator) newRequest() request {
	r := request{
		id:      g.uuid(),
		session: pick(g, g.sessions),
		model:   pick(g, models),
	}
	if g.chance(60) {
		r.traceID, r.spanID = g.hex(16), g.hex(8)
	}
	return r
}

// request returns one of the recent requests. Every third time it is a new one,
// which takes the place of the oldest; every fiftieth new one opens a session.
func (g *Generator) request() request {
	if !g.chance(33) {
		return pick(g, g.requests)
	}
	if g.chance(2) {
		g.sessions[g.rng.IntN(len(g.sessions))] = g.newSession()
	}
	r := g.newRequest()
	g.requests[g.nextRequest] = r
	g.nextRequest = (g.nextRequest + 1) % len(g.requests)
	return r
}

// chance is true in percent of a hundred cases.
func (g *Generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *Generator, from []T) T { return from[g.rng.IntN(len(from))] }
