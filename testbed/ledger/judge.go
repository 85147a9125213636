// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Verdict is what the ledger says after a run. Numbers are events unless they
// are said to be something else.
type Verdict struct {
	Sent, Acknowledged, Refused, Unknown, NotSent int

	// Lost were acknowledged and are nowhere.
	Lost int
	// LostIn are the requests that they were in, an entry for each.
	LostIn []Request
	// Twice are on the topic, or on the dead-letter topic, more than once.
	Twice int
	// OutOfOrder were acknowledged and stand behind a later one of their key.
	OutOfOrder int
	// Partial are requests of which a part is on the topics.
	Partial int
	// Buried are dead letters that should not be; Unburied is poison that was
	// acknowledged and is no dead letter, or is on the topic.
	Buried, Unburied int
	// Strange are records of no event of this run.
	Strange int

	// Unavailable are requests answered 503.
	Unavailable int
	// P50, P99 and Slowest are of the answers, counted from the sending.
	P50, P99, Slowest time.Duration
	// AcknowledgedP99 is of the acknowledgements alone.
	AcknowledgedP99 time.Duration

	// Histories are those of the first events that something is wrong with.
	Histories []string
}

// twice tells whether an event is twice on a topic; when a topic was deleted and
// made anew, what was on its way may be in both.
func twice(seen []Place) bool {
	for i, a := range seen {
		for _, b := range seen[:i] {
			if a.Era == b.Era {
				return true
			}
		}
	}
	return false
}

// histories is how many histories of one fault are told.
const histories = 5

// Judge counts. Poison tells what is expected of poison: dead letters.
func (l *Ledger) Judge() Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := Verdict{Strange: len(l.strange)}
	for _, s := range l.strange[:min(len(l.strange), histories)] {
		v.Histories = append(v.Histories, "a record of no event: "+s)
	}
	told := map[string]int{}
	tell := func(what string, n int) {
		if told[what]++; told[what] <= histories {
			v.Histories = append(v.Histories, what+": "+l.history(n))
		}
	}
	l.count(&v)
	for n := range l.events {
		e := &l.events[n]
		seen, dead := len(e.seen), len(e.dead)
		acknowledged := l.requests[e.request].Answer == Acknowledged
		if acknowledged && seen+dead == 0 {
			v.Lost++
			v.LostIn = append(v.LostIn, l.requests[e.request])
			tell("lost", n)
		}
		if twice(e.seen) || twice(e.dead) {
			v.Twice++
			tell("twice", n)
		}
		if !e.poison && dead > 0 {
			v.Buried++
			tell("buried", n)
		}
		if e.poison && (seen > 0 || acknowledged && dead == 0) {
			v.Unburied++
			tell("poison not buried", n)
		}
	}
	l.order(&v, tell)
	l.whole(&v, tell)
	return v
}

// count fills in the answers.
func (l *Ledger) count(v *Verdict) {
	var all, good []time.Duration
	for i := range l.requests {
		r := &l.requests[i]
		v.Sent += r.count
		switch r.Answer {
		case Acknowledged:
			v.Acknowledged += r.count
			good = append(good, r.Done.Sub(r.Sent))
		case Refused:
			v.Refused += r.count
		case NotSent:
			v.NotSent += r.count
		default:
			v.Unknown += r.count
		}
		if r.Status == 503 {
			v.Unavailable++
		}
		if r.Status != 0 {
			all = append(all, r.Done.Sub(r.Sent))
		}
	}
	v.P50, v.P99, v.Slowest = quantile(all, 0.5), quantile(all, 0.99), quantile(all, 1)
	v.AcknowledgedP99 = quantile(good, 0.99)
}

// AcknowledgedBetween are the times that acknowledgements took for requests
// sent in a span of time whose first key is chosen, in ascending order.
func (l *Ledger) AcknowledgedBetween(from, to time.Time, chosen func(key string) bool) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	for i := range l.requests {
		r := &l.requests[i]
		if r.Answer == Acknowledged && r.Sent.After(from) && r.Sent.Before(to) && chosen(key(r.Sender, 0)) {
			took = append(took, r.Done.Sub(r.Sent))
		}
	}
	slices.Sort(took)
	return took
}

// quantile sorts the durations and returns one of them; 0 if there are none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

// order looks at each key: what was acknowledged must stand in the order of
// sending, by where each event was seen first. An event that nobody promised
// may arrive late.
func (l *Ledger) order(v *Verdict, tell func(string, int)) {
	type slot struct{ sender, i int }
	keys := map[slot][]int{}
	for n := range l.events {
		e := &l.events[n]
		r := &l.requests[e.request]
		if r.Answer == Acknowledged && len(e.seen) > 0 {
			at := slot{r.Sender, n - r.first}
			keys[at] = append(keys[at], n)
		}
	}
	for _, events := range keys {
		latest := l.firstPlace(events[0])
		for _, n := range events[1:] {
			first := l.firstPlace(n)
			if earlier(first, latest) < 0 || first.Partition != latest.Partition {
				v.OutOfOrder++
				tell("out of order", n)
				continue
			}
			latest = first
		}
	}
}

func (l *Ledger) firstPlace(n int) Place { return slices.MinFunc(l.events[n].seen, earlier) }

// earlier compares places on one partition.
func earlier(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Era, b.Era), cmp.Compare(a.Offset, b.Offset))
}

// whole looks at each request: all of it, or nothing.
func (l *Ledger) whole(v *Verdict, tell func(string, int)) {
	for i := range l.requests {
		r := &l.requests[i]
		there, missing := 0, 0
		for n := r.first; n < r.first+r.count; n++ {
			if len(l.events[n].seen)+len(l.events[n].dead) > 0 {
				there++
			} else {
				missing = n
			}
		}
		if there > 0 && there < r.count {
			v.Partial++
			if r.Answer != Acknowledged { // else it is told as lost
				tell("part of a request is missing", missing)
			}
		}
	}
}

// Missing is how many acknowledged events have been seen nowhere yet.
func (l *Ledger) Missing() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := 0
	for n := range l.events {
		e := &l.events[n]
		if l.requests[e.request].Answer == Acknowledged && len(e.seen)+len(e.dead) == 0 {
			missing++
		}
	}
	return missing
}
