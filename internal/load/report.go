// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a load showed.
type Report struct {
	Name        string    `json:"name,omitempty"`
	Began       time.Time `json:"began"`
	Transport   Transport `json:"transport"`
	Loop        string    `json:"loop"` // open or closed
	RateAsked   float64   `json:"rate_asked,omitempty"`
	Batch       int       `json:"batch"`
	Connections int       `json:"connections"`
	EventSize   int       `json:"event_size,omitempty"`
	Clients     int       `json:"clients,omitempty"`

	ElapsedSeconds float64          `json:"elapsed_s"`
	Requests       int64            `json:"requests"`
	Overdue        int64            `json:"requests_overdue"`
	Refused        map[string]int64 `json:"requests_refused,omitempty"`
	Failed         map[string]int64 `json:"requests_failed,omitempty"`

	Events Balance `json:"events"`
	// Verified says that the topic was read: that arrived, lost and twice mean
	// something.
	Verified bool `json:"verified"`
	// Rate is acknowledged events a second.
	Rate     float64    `json:"events_per_second"`
	Latency  *Quantiles `json:"latency,omitempty"`
	Service  *Quantiles `json:"service_time,omitempty"`
	Lateness *Quantiles `json:"send_lateness,omitempty"`
	EndToEnd *Quantiles `json:"end_to_end,omitempty"`
	Records  *Records   `json:"records,omitempty"`

	// SentBytes are those of requests for an event, heads included.
	SentBytes float64 `json:"sent_bytes_per_event"`

	// Process is what the process that was driven used; nil where that is not
	// known.
	Process *ProcessUse `json:"process,omitempty"`
	// GeneratorCPU is this process's own time for an event, in µs.
	GeneratorCPU float64 `json:"generator_cpu_us_per_event"`

	outcome *Outcome
}

// ProcessUse is what a process used for a load.
type ProcessUse struct {
	CPUSeconds float64 `json:"cpu_s"`
	// CPUPerEvent is for an event that arrived, or that was acknowledged where the
	// topic is not read, in µs.
	CPUPerEvent float64 `json:"cpu_us_per_event"`
	// Cores is the share of one core while the load ran, 1 being all of it.
	Cores       float64 `json:"cores"`
	PeakMiB     float64 `json:"peak_rss_mib"`
	ResidentMiB float64 `json:"rss_mib"`
	Threads     int     `json:"threads"`
	Descriptors int     `json:"descriptors"`
}

func (p *Plan) report(began time.Time, o *Outcome) *Report {
	r := &Report{
		Name: p.Name, Began: began.UTC().Truncate(time.Second), Transport: p.Transport, Loop: "closed",
		RateAsked: p.Rate, Batch: p.Batch, Connections: p.Connections, EventSize: p.EventSize, Clients: p.Clients,
		ElapsedSeconds: o.Elapsed.Seconds(), Requests: o.Requests, Overdue: o.Overdue, Refused: o.Refused, Failed: o.Failed,
		Latency: o.Latency, Lateness: o.Lateness, outcome: o,
	}
	if p.Rate > 0 {
		r.Loop, r.Service = "open", o.Service
	} else {
		r.Lateness = nil
	}
	return r
}

const mib = 1 << 20

func (r *Report) setUsage(before, after Usage) {
	r.Process = &ProcessUse{
		CPUSeconds: (after.CPU - before.CPU).Seconds(),
		PeakMiB:    float64(after.Peak) / mib, ResidentMiB: float64(after.Resident) / mib,
		Threads: after.Threads, Descriptors: after.Descriptors,
	}
	r.Process.Cores = r.Process.CPUSeconds / r.ElapsedSeconds
}

// setRates divides by what was counted.
func (r *Report) setRates() {
	r.Rate = float64(r.Events.Acknowledged) / r.ElapsedSeconds
	if r.Events.Sent > 0 {
		r.GeneratorCPU = micros(r.outcome.GeneratorCPU.Seconds(), r.Events.Sent)
		r.SentBytes = float64(r.outcome.SentBytes) / float64(r.Events.Sent)
	}
	n := r.Events.Acknowledged
	if r.Verified {
		n = r.Events.Arrived
	}
	if r.Process != nil && n > 0 {
		r.Process.CPUPerEvent = micros(r.Process.CPUSeconds, n)
	}
}

func micros(seconds float64, n int64) float64 { return seconds * 1e6 / float64(n) }

// Faults says what must not be: events lost or there twice, requests without an
// answer or refused, requests that were never sent. Nil if all is well.
func (r *Report) Faults() []string {
	var f []string
	add := func(n int64, what string) {
		if n > 0 {
			f = append(f, fmt.Sprintf("%d %s", n, what))
		}
	}
	if r.Verified {
		add(r.Events.Lost, "events were acknowledged and did not arrive")
		add(r.Events.Twice, "records hold an event that was there before")
	}
	for _, what := range slices.Sorted(maps.Keys(r.Refused)) {
		add(r.Refused[what], "requests were refused: "+what)
	}
	for _, what := range slices.Sorted(maps.Keys(r.Failed)) {
		add(r.Failed[what], "requests had no answer: "+what)
	}
	add(r.Overdue, "requests were due and never sent")
	if r.Events.Acknowledged == 0 {
		f = append(f, "no event was acknowledged")
	}
	return f
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(t, what+"\t"+format+"\n", args...) }
	how := fmt.Sprintf("%s, %d events a request, %d connections", r.Transport, r.Batch, r.Connections)
	if r.RateAsked > 0 {
		row("load", "%s, %.0f events a second (open loop)", how, r.RateAsked)
	} else {
		row("load", "%s, as fast as they are answered (closed loop)", how)
	}
	row("acknowledged", "%d of %d events in %.1f s: %.0f events a second, %.0f bytes of request each",
		r.Events.Acknowledged, r.Events.Sent, r.ElapsedSeconds, r.Rate, r.SentBytes)
	if r.Verified {
		row("on Kafka", "%d, lost %d, twice %d, unpromised %d", r.Events.Arrived, r.Events.Lost, r.Events.Twice, r.Events.Unpromised)
		if r.Records.Batches > 0 && r.Records.Bytes > 0 {
			row("batches on Kafka", "%.1f events each, compressed to %.0f %% of their bytes",
				float64(r.Records.Count)/float64(r.Records.Batches), 100*float64(r.Records.Compressed)/float64(r.Records.Bytes))
		}
	} else {
		row("on Kafka", "not looked at")
	}
	if p := r.Process; p != nil {
		row("collector", "%.1f µs of CPU an event, %.2f cores, %.0f MiB at most, %.0f now", p.CPUPerEvent, p.Cores, p.PeakMiB, p.ResidentMiB)
	} else {
		row("collector", "n/a")
	}
	row("generator", "%.1f µs of CPU an event", r.GeneratorCPU)
	fmt.Fprintln(t)
	fmt.Fprintln(t, "ms\tp50\tp90\tp99\tp99.9\tmax")
	quantiles := func(what string, q *Quantiles) {
		if q != nil {
			fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\n", what, q.P50, q.P90, q.P99, q.P999, q.Max)
		}
	}
	quantiles("answer", r.Latency)
	quantiles("  from when it was sent", r.Service)
	quantiles("sent late by", r.Lateness)
	quantiles("read from Kafka after", r.EndToEnd)
	if f := r.Faults(); len(f) > 0 {
		fmt.Fprintf(t, "\n%s\n", strings.Join(f, "\n"))
	}
	return t.Flush()
}
