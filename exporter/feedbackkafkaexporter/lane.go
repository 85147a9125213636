// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// topic is one of the Kafka topics that the exporter writes to; the set of
// them is fixed by the configuration. All but name and dead is guarded by
// delivery.mu, and changed by the dispatcher only.
type topic struct {
	name string
	dead bool // the dead-letter topic

	// lanes has one lane a partition; it is empty until the partitions are known.
	lanes   []*lane
	unkeyed *lane     // records without a key: they have no order to keep
	waiting []*record // arrived before the partitions were known
	limit   int       // the largest record it takes
	stale   bool      // deleted and made again: the client must forget it first
	hash    kgo.TopicPartitioner

	// What the watcher saw last and the dispatcher has yet to apply.
	seenPartitions int
	seenLimit      int
}

func newTopic(name string, dead bool, limit int) *topic {
	t := &topic{
		name:  name,
		dead:  dead,
		limit: limit,
		hash:  kgo.StickyKeyPartitioner(nil).ForTopic(name),
	}
	t.unkeyed = &lane{topic: t}
	return t
}

// laneOf is the lane of a record; nil while the partitions are not known.
func (t *topic) laneOf(r *record) *lane {
	switch {
	case len(t.lanes) == 0:
		return nil
	case r.Key == nil:
		return t.unkeyed
	default:
		return t.lanes[t.hash.Partition(&r.Record, len(t.lanes))]
	}
}

// inflight is the number of the topic's records that the client has.
func (t *topic) inflight() int {
	n := t.unkeyed.inflight
	for _, l := range t.lanes {
		n += l.inflight
	}
	return n
}

// resize gives the topic n lanes. It is refused while a lane is held: a key
// must not overtake itself from one lane to another.
func (t *topic) resize(n int) bool {
	if n == len(t.lanes) {
		return true
	}
	if slices.ContainsFunc(t.lanes, func(l *lane) bool { return l.held }) {
		return false
	}
	for len(t.lanes) < n {
		t.lanes = append(t.lanes, &lane{topic: t})
	}
	t.lanes = t.lanes[:n]
	return true
}

// lane is the way of one topic's partition, on which the order of records is
// kept. Open, it hands them straight to the client. A record that comes back
// holds it: nothing more is handed over until nothing is on the way, then what
// came back goes again, in order of arrival, and after it what arrived
// meanwhile. The first goes alone, so that a refusal is the record's own; after
// each success twice as many go together. Guarded by delivery.mu.
type lane struct {
	topic    *topic
	inflight int // handed to the client, fate not known

	held   bool
	back   []*record // came back, by order of arrival
	behind []*record // arrived while the lane was held
	group  int       // how many of back go next
	failed bool      // something of the last group came back

	failures int       // tries in a row that came back for a reason that can heal
	due      time.Time // when the next group may go
}

// maxGroup bounds how many records of a held lane go at once.
const maxGroup = 4096

// takeBack puts a record that came back in its place. It reports whether that
// held the lane.
func (l *lane) takeBack(r *record) bool {
	i := len(l.back)
	for i > 0 && l.back[i-1].seq > r.seq {
		i--
	}
	l.back = slices.Insert(l.back, i, r)
	l.failed = true
	if l.held {
		return false
	}
	l.held = true
	return true
}

// ready reports whether a held lane may go on, and if it only has to wait, how long.
func (l *lane) ready(now time.Time) (bool, time.Duration) {
	if l.inflight > 0 || l.topic.stale {
		return false, 0
	}
	if wait := l.due.Sub(now); wait > 0 {
		return false, wait
	}
	return true, 0
}

// next takes from a held lane what goes now; it opens the lane when nothing of
// what came back is left.
func (l *lane) next() []*record {
	if l.failed {
		l.group = 1
	} else {
		l.group = min(2*l.group, maxGroup)
	}
	l.failed = false
	n := min(l.group, len(l.back))
	if n == 0 {
		out := l.behind
		*l = lane{topic: l.topic, inflight: len(out)}
		return out
	}
	out := slices.Clone(l.back[:n])
	l.back = slices.Delete(l.back, 0, n)
	for _, r := range out {
		r.alone = n == 1
	}
	l.inflight = n
	return out
}
