// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	idLength     = 36
	prefixLength = 25 // of an id; what follows counts

	chunkEvents = 1 << 16
	maxChunks   = 1 << 14

	// dueUnit is how exactly the time is kept at which an event was due.
	dueUnit = 10 * time.Microsecond
)

// Ledger knows of every event that was sent whether it was acknowledged and
// whether it arrived: two bits and the time it was due. It is safe for
// concurrent use.
type Ledger struct {
	prefix [prefixLength]byte
	start  time.Time
	next   atomic.Int64
	twice  atomic.Int64

	mu     sync.Mutex // guards the making of chunks
	chunks [maxChunks]atomic.Pointer[chunk]
}

type chunk struct {
	acknowledged, arrived [chunkEvents / 64]atomic.Uint64
	due                   [chunkEvents]atomic.Uint32
}

// NewLedger returns an empty ledger with ids of its own.
func NewLedger() *Ledger {
	l := &Ledger{start: time.Now()}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	// A UUID of version 4. The letters see to it that no part of it can be taken
	// for a telephone or card number by a contestant that knows no UUIDs.
	salt := hex.EncodeToString(b[:])
	copy(l.prefix[:], fmt.Sprintf("b%s-c%s-4%s-afee-f", salt[:7], salt[7:10], salt[10:13]))
	return l
}

// take reserves n ids for a request that is due then.
func (l *Ledger) take(n int, due time.Time) (first int64) {
	first = l.next.Add(int64(n)) - int64(n)
	at := uint32(due.Sub(l.start) / dueUnit)
	for i := first; i < first+int64(n); i++ {
		l.chunk(i).due[i%chunkEvents].Store(at)
	}
	return first
}

func (l *Ledger) chunk(seq int64) *chunk {
	slot := &l.chunks[seq/chunkEvents]
	if c := slot.Load(); c != nil {
		return c
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := slot.Load(); c != nil {
		return c
	}
	c := &chunk{}
	slot.Store(c)
	return c
}

// acknowledge notes that an event was taken by the other side.
func (l *Ledger) acknowledge(first int64, n int) {
	for i := first; i < first+int64(n); i++ {
		l.chunk(i).acknowledged[i%chunkEvents/64].Or(1 << (i % 64))
	}
}

// write writes the id of an event over another one.
func (l *Ledger) write(id []byte, seq int64) {
	copy(id, l.prefix[:])
	for i := idLength - 1; i >= prefixLength; i-- {
		id[i] = "0123456789abcdef"[seq&15]
		seq >>= 4
	}
}

// Arrived finds the ids in a record's value, however it is laid out, and notes
// that these events arrived. It calls seen for each that came for the first
// time, with the time at which it was due.
func (l *Ledger) Arrived(value []byte, seen func(due time.Time)) {
	for {
		at := bytes.Index(value, l.prefix[:])
		if at < 0 || len(value) < at+idLength {
			return
		}
		seq, ok := parse(value[at+prefixLength : at+idLength])
		value = value[at+idLength:]
		if !ok || seq >= l.next.Load() {
			continue
		}
		c := l.chunk(seq)
		bit := uint64(1) << (seq % 64)
		if c.arrived[seq%chunkEvents/64].Or(bit)&bit != 0 {
			l.twice.Add(1)
			continue
		}
		if seen != nil {
			seen(l.start.Add(time.Duration(c.due[seq%chunkEvents].Load()) * dueUnit))
		}
	}
}

func parse(text []byte) (seq int64, ok bool) {
	for _, d := range text {
		switch {
		case d >= '0' && d <= '9':
			seq = seq<<4 | int64(d-'0')
		case d >= 'a' && d <= 'f':
			seq = seq<<4 | int64(d-'a'+10)
		default:
			return 0, false
		}
	}
	return seq, true
}

// Mark is a place in the ledger; what is sent afterwards lies behind it.
func (l *Ledger) Mark() int64 { return l.next.Load() }

// Balance is what became of the events of a ledger.
type Balance struct {
	// Sent events were handed to a connection.
	Sent int64 `json:"sent"`
	// Acknowledged events were answered as taken.
	Acknowledged int64 `json:"acknowledged"`
	// Arrived events were found on Kafka, each counted once.
	Arrived int64 `json:"arrived"`
	// Lost events were acknowledged and did not arrive.
	Lost int64 `json:"lost"`
	// Unpromised events arrived though nobody acknowledged them.
	Unpromised int64 `json:"unpromised"`
	// Twice is how many records held an event that had arrived before, since the
	// ledger was opened.
	Twice int64 `json:"twice"`
}

// Since counts the events behind a mark.
func (l *Ledger) Since(mark int64) Balance {
	end := l.next.Load()
	b := Balance{Sent: end - mark, Twice: l.twice.Load()}
	for i := mark; i < end; {
		c := l.chunk(i)
		mask := ^uint64(0) << (i % 64)
		if n := end - i/64*64; n < 64 {
			mask &= 1<<n - 1
		}
		word := i % chunkEvents / 64
		a, r := c.acknowledged[word].Load()&mask, c.arrived[word].Load()&mask
		b.Acknowledged += int64(bits.OnesCount64(a))
		b.Arrived += int64(bits.OnesCount64(r))
		b.Lost += int64(bits.OnesCount64(a &^ r))
		b.Unpromised += int64(bits.OnesCount64(r &^ a))
		i = i/64*64 + 64
	}
	return b
}
