// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// topic is one of the Kafka topics that the exporter writes to: those of the
// configuration, and those that the spool holds records of. All but name, dead
// and hash is guarded by delivery.mu, and changed by the dispatcher only.
type topic struct {
	name string
	dead bool // the dead-letter topic
	hash kgo.TopicPartitioner

	// lanes has one lane a partition. It is empty until the partitions are known,
	// and keeps its number while one of them is not open or on the way: a key must
	// not overtake itself from one lane to another.
	lanes      []*lane
	any        *lane // of all records while lanes is empty; what it holds goes before theirs
	partitions int   // that Kafka has; 0 while not known
	limit      int   // the largest record it takes
	stale      bool  // deleted and made again: the client must forget it first
	warm       bool  // the client has sent to it
	marked     int   // the number of lanes that the spool has a mark of

	keyless   int // index of the lane that records without a key take at present
	keylessNo int // how many it took in a row

	// What the watcher saw last and the dispatcher has yet to apply.
	seenPartitions int
	seenLimit      int
}

func newTopic(name string, dead bool, limit int) *topic {
	t := &topic{
		name:  name,
		dead:  dead,
		limit: limit,
		hash:  kgo.StickyKeyPartitioner(nil).ForTopic(name), // as Java clients choose for a key
	}
	t.any = t.newLane(spool.AnyPartition)
	return t
}

func (t *topic) newLane(partition int32) *lane {
	return &lane{topic: t, id: spool.LaneID{Topic: t.name, Partition: partition}}
}

// laneOf is the lane of a record that arrives.
func (t *topic) laneOf(r *record) *lane {
	switch {
	case len(t.lanes) == 0:
		return t.any
	case r.Key == nil:
		return t.keylessLane()
	default:
		return t.lanes[t.hash.Partition(&r.Record, len(t.lanes))]
	}
}

// keylessRun is how many records without a key go to one partition in a row,
// so that they share batches.
const keylessRun = 100

// keylessLane is the lane of a record without a key: they have no order to
// keep, so any open lane will do.
func (t *topic) keylessLane() *lane {
	l := t.lanes[t.keyless%len(t.lanes)]
	if t.keylessNo++; t.keylessNo < keylessRun && l.mode == laneOpen {
		return l
	}
	t.keylessNo = 0
	for range t.lanes {
		t.keyless = (t.keyless + 1) % len(t.lanes)
		if l = t.lanes[t.keyless]; l.mode == laneOpen {
			break
		}
	}
	return l
}

// partitionOf is where a record of a lane goes.
func (t *topic) partitionOf(r *record, l *lane) int32 {
	switch {
	case l != t.any && len(t.lanes) == t.partitions:
		return l.id.Partition
	case r.Key != nil:
		return int32(t.hash.Partition(&r.Record, t.partitions))
	default:
		return max(l.id.Partition, 0) % int32(t.partitions)
	}
}

// all yields every lane.
func (t *topic) all(yield func(*lane) bool) {
	if !yield(t.any) {
		return
	}
	for _, l := range t.lanes {
		if !yield(l) {
			return
		}
	}
}

// blocked reports whether a lane must wait for others of its topic.
func (t *topic) blocked(l *lane) bool {
	switch {
	case t.partitions == 0 || t.stale:
		return true
	case l == t.any:
		return false
	case !t.any.quiet():
		return true
	default:
		return t.mixed() && (t.open() || t.inflight() > l.inflight)
	}
}

// mixed reports whether the lanes are not the partitions: two may lead to one
// partition, where the refusal of one's record would be said of the other's. So
// only one of them is on the way at a time, and none once all are open: there
// will be as many as partitions when nothing is on the way.
func (t *topic) mixed() bool { return len(t.lanes) != t.partitions }

// inflight is the number of the topic's records that the client has.
func (t *topic) inflight() (n int) {
	for l := range t.all {
		n += l.inflight
	}
	return n
}

// resize gives the topic n lanes once all are open, and returns what waits on
// them, by order of arrival, to be placed anew. What is on the way may come back,
// and then goes where its lane leads: if that is where it was bound, there is no
// need to wait for it.
func (t *topic) resize(n int, straight bool) (waiting []*record) {
	if n == len(t.lanes) || !t.open() {
		return nil
	}
	if (!straight || n < len(t.lanes)) && t.inflight() > t.any.inflight {
		return nil
	}
	for _, l := range t.lanes {
		waiting = append(waiting, l.behind...)
		l.behind = nil
	}
	slices.SortFunc(waiting, func(a, b *record) int { return cmp.Compare(a.seq, b.seq) })
	t.setLanes(n)
	return waiting
}

// open reports whether all lanes of partitions are open.
func (t *topic) open() bool {
	return !slices.ContainsFunc(t.lanes, func(l *lane) bool { return l.mode != laneOpen })
}

func (t *topic) setLanes(n int) {
	for i := len(t.lanes); i < n; i++ {
		t.lanes = append(t.lanes, t.newLane(int32(i)))
	}
	t.lanes = t.lanes[:n]
}
