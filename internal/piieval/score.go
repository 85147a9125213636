// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// Finder is what is measured.
type Finder interface {
	// Find returns what it finds in text. The spans' outer bounds are not set.
	Find(text string) []Span
}

// Score is what was found of one entity.
type Score struct {
	Total  int `json:"total"`
	Found  int `json:"found"`
	Missed int `json:"missed"`
	// False counts findings, by the entity they claim, where there is nothing.
	False int `json:"false"`
	// Beyond counts findings that cut more than the datum.
	Beyond int `json:"cut_beyond"`
}

// Covered is the percentage found; 100 of nothing.
func (s Score) Covered() float64 {
	if s.Total == 0 {
		return 100
	}
	return 100 * float64(s.Found) / float64(s.Total)
}

// Result is what a finder achieved on a set of texts.
type Result struct {
	Name     string           `json:"name"`
	Texts    int              `json:"texts"`
	Entities map[string]Score `json:"entities"`
	All      Score            `json:"all"`
	// Clean counts texts without personal data, Changed those of them in which
	// something was found.
	Clean   int `json:"clean"`
	Changed int `json:"clean_changed"`
	// Micros is the mean of each text's shortest run.
	Micros float64 `json:"us_per_text"`
}

const repeats = 5

// Measure runs f over samples. What goes wrong is written to log, which may be
// nil.
func Measure(name string, f Finder, samples []Sample, log io.Writer) Result {
	if log == nil {
		log = io.Discard
	}
	var scores [pii.NumEntities]Score
	r := Result{Name: name, Texts: len(samples), Entities: map[string]Score{}}
	var spent time.Duration
	for _, s := range samples {
		var got []Span
		best := time.Duration(math.MaxInt64)
		for range repeats { // the shortest: others are at work on this machine
			begin := time.Now()
			got = f.Find(s.Text)
			best = min(best, time.Since(begin))
		}
		spent += best
		if len(s.Spans) == 0 {
			r.Clean++
			if len(got) > 0 {
				r.Changed++
			}
		}
		judge(s, got, &scores, log)
	}
	for i, s := range scores {
		r.Entities[pii.Entity(i).String()] = s
		r.All.Total += s.Total
		r.All.Found += s.Found
		r.All.Missed += s.Missed
		r.All.False += s.False
		r.All.Beyond += s.Beyond
	}
	if len(samples) > 0 {
		r.Micros = float64(spent.Nanoseconds()) / 1000 / float64(len(samples))
	}
	return r
}

// judge compares what was found with what there is. A datum is found if all of
// it is cut, under whatever name.
func judge(s Sample, got []Span, scores *[pii.NumEntities]Score, log io.Writer) {
	cut := make([]bool, len(s.Text))
	for _, g := range got {
		for i := g.Start; i < g.End; i++ {
			cut[i] = true
		}
	}
	may := make([]bool, len(s.Text))
	for _, sp := range s.Spans {
		for i := sp.OuterStart; i < sp.OuterEnd; i++ {
			may[i] = true
		}
		score := &scores[sp.Entity]
		score.Total++
		if all(cut[sp.Start:sp.End]) {
			score.Found++
			continue
		}
		score.Missed++
		say(log, "missed", sp, s.Text)
	}
	for _, g := range got {
		touches := false
		for _, sp := range s.Spans {
			touches = touches || g.Start < sp.OuterEnd && g.End > sp.OuterStart
		}
		switch {
		case !touches:
			scores[g.Entity].False++
			say(log, "false", g, s.Text)
		case !all(may[g.Start:g.End]):
			scores[g.Entity].Beyond++
			say(log, "cut beyond", g, s.Text)
		}
	}
}

func say(log io.Writer, what string, sp Span, text string) {
	fmt.Fprintf(log, "%s %s: %q in %q\n", what, sp.Entity, text[sp.Start:sp.End], text)
}

func all(set []bool) bool {
	for _, b := range set {
		if !b {
			return false
		}
	}
	return true
}

// Print writes a table: a line per entity.
func (r Result) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d texts, %.1f µs a text; of %d without personal data %d changed\n",
		r.Name, r.Texts, r.Micros, r.Clean, r.Changed)
	fmt.Fprintf(w, "| %-8s | %6s | %6s | %6s | %8s | %10s | %6s |\n", "entity", "in all", "found", "missed", "covered", "cut beyond", "false")
	fmt.Fprintf(w, "|-%s-|%s|\n", strings.Repeat("-", 8), strings.Join([]string{"-------:", "-------:", "-------:", "---------:", "-----------:", "-------:"}, "|"))
	for _, name := range append(pii.Entities(), "all") {
		s, ok := r.Entities[name]
		if name == "all" {
			s, ok = r.All, true
		}
		if !ok || s == (Score{}) {
			continue
		}
		fmt.Fprintf(w, "| %-8s | %6d | %6d | %6d | %6.1f %% | %10d | %6d |\n", name, s.Total, s.Found, s.Missed, s.Covered(), s.Beyond, s.False)
	}
	fmt.Fprintln(w)
}
