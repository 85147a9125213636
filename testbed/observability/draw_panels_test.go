// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// curves draws lines over time, or areas on top of each other.
func (d *drawing) curves(p panel, b box, lines []line, labels []string) {
	lines, labels = moving(lines, labels)
	stacked := p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal"
	if stacked {
		stack(lines)
	}
	plot := box{b.x + axisWidth, b.y + 4, b.w - axisWidth, b.h - legendHeight - timeHeight - 8}
	low, high := extent(p, lines)
	at := func(v point) (x, y float64) {
		return plot.x + d.share(v.At)*plot.w, plot.y + (1-(v.Value-low)/(high-low))*plot.h
	}
	d.axes(p, plot, low, high)
	for i := len(lines) - 1; i >= 0; i-- { // a stack's largest first
		colour := colours[i%len(colours)]
		for _, run := range d.runs(lines[i].Values) {
			var path strings.Builder
			for j, v := range corners(run) {
				x, y := at(v)
				fmt.Fprintf(&path, "%s%.0f %.1f", map[bool]string{true: "M", false: "L"}[j == 0], x, y)
			}
			if stacked { // opaque: each covers what is stacked below it
				left, _ := at(run[0])
				right, base := at(point{At: run[len(run)-1].At, Value: low})
				d.add(`<path d="%sL%.0f %.1fL%.0f %.1fZ" fill="%s"/>`, path.String(), right, base, left, base, colour)
				continue
			}
			d.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, path.String(), colour)
		}
	}
	x := plot.x
	for i, label := range labels {
		if slices.Contains(labels[:i], label) {
			continue
		}
		width := float64(18 + 7*len(label))
		if x+width > plot.x+plot.w {
			d.text(x, b.y+b.h-4, "", "…")
			break
		}
		d.add(`<rect x="%.1f" y="%.1f" width="10" height="4" fill="%s"/>`, x, b.y+b.h-10, colours[i%len(colours)])
		d.text(x+14, b.y+b.h-4, `font-size="11"`, label)
		x += width
	}
}

// stack adds to each line what is below it.
func stack(lines []line) {
	sums := map[float64]float64{}
	for _, l := range lines {
		for i, v := range l.Values {
			if v.real() {
				sums[v.At] += v.Value
				l.Values[i].Value = sums[v.At]
			}
		}
	}
}

// moving leaves out what is 0 all the time, if there are many lines.
func moving(lines []line, labels []string) (kept []line, names []string) {
	if len(lines) < 5 {
		return lines, labels
	}
	for i, l := range lines {
		if slices.ContainsFunc(l.Values, func(v point) bool { return v.real() && v.Value != 0 }) {
			kept, names = append(kept, l), append(names, labels[i])
		}
	}
	return kept, names
}

// share is how far a time is into what is shown, 0 to 1.
func (d *drawing) share(at float64) float64 {
	from := float64(d.from.UnixMilli()) / 1000
	return (at - from) / d.to.Sub(d.from).Seconds()
}

// runs splits points where there is no number, or a gap.
func (d *drawing) runs(points []point) (all [][]point) {
	var run []point
	for _, v := range points {
		gap := len(run) > 0 && v.At-run[len(run)-1].At > 3*d.step.Seconds()
		if len(run) > 0 && (gap || !v.real()) {
			all, run = append(all, run), nil
		}
		if v.real() {
			run = append(run, v)
		}
	}
	if len(run) > 0 {
		all = append(all, run)
	}
	return all
}

// corners leaves out the points between two that are as high as they are.
func corners(run []point) (kept []point) {
	for i, v := range run {
		if i > 0 && i < len(run)-1 && v.Value == run[i-1].Value && v.Value == run[i+1].Value {
			continue
		}
		kept = append(kept, v)
	}
	return kept
}

// extent is what the axis goes over: to a round number.
func extent(p panel, lines []line) (low, high float64) {
	low, high = 0, math.Inf(-1)
	for _, l := range lines {
		for _, v := range l.Values {
			if v.real() {
				low, high = min(low, v.Value), max(high, v.Value)
			}
		}
	}
	if limit := p.FieldConfig.Defaults.Max; limit != nil {
		return low, *limit
	}
	if math.IsInf(high, 0) || high <= low {
		high = low + 1
	}
	scale := scaleOf(high, p.FieldConfig.Defaults.Unit)
	return low, scale * rounded(high/scale)
}

// scaleOf is what a value is counted in: a KiB, an ms, ….
func scaleOf(v float64, unit string) float64 {
	scale := 1.0
	switch {
	case unit == "bytes" || unit == "Bps":
		for v >= 1024*scale {
			scale *= 1024
		}
	case unit == "percentunit":
		scale = 0.01
	}
	return scale
}

// rounded is the next number up that four steps lead to nicely.
func rounded(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8} {
		if v <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}

func (d *drawing) axes(p panel, b box, low, high float64) {
	const steps = 4
	for i := range steps + 1 {
		y := b.y + b.h*float64(i)/steps
		d.add(`<path d="M%.1f %.1fh%.1f" stroke="#e4e4e4"/>`, b.x, y, b.w)
		d.text(b.x-6, y+4, `text-anchor="end" font-size="11"`, inUnit(high-(high-low)*float64(i)/steps, p.FieldConfig.Defaults.Unit))
	}
	d.times(b)
}

// times writes the time since the beginning below a plot.
func (d *drawing) times(b box) {
	for i, anchor := range []string{"start", "middle", "middle", "middle", "end"} {
		at := int(d.to.Sub(d.from).Seconds()) * i / 4
		d.text(b.x+b.w*float64(i)/4, b.y+b.h+14, fmt.Sprintf(`font-size="11" text-anchor="%s"`, anchor), fmt.Sprintf("%d:%02d", at/60, at%60))
	}
}

// number draws the first value, large, in the colour of its threshold.
func (d *drawing) number(p panel, b box, lines []line) {
	value, colour := math.NaN(), "#444"
	if len(lines) > 0 {
		value = lines[0].Value.Value
	}
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			colour = fills[step.Color]
		}
	}
	if p.Type == "gauge" {
		full := b.w - 20
		d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="8" fill="#e4e4e4"/>`, b.x+10, b.y+b.h-12, full)
		d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="8" fill="%s"/>`, b.x+10, b.y+b.h-12, full*min(1, max(0, value)), colour)
	}
	d.text(b.x+b.w/2, b.y+b.h/2+12, fmt.Sprintf(`font-size="28" text-anchor="middle" fill="%s"`, colour), inUnit(value, p.FieldConfig.Defaults.Unit))
}

// table draws a line for each series, as many as there is room for.
func (d *drawing) table(p panel, b box, lines []line) {
	for i, l := range lines {
		y := b.y + float64(18*i) + 16
		if y > b.y+b.h {
			break
		}
		var cells []string
		for _, name := range slices.Sorted(maps.Keys(l.Metric)) {
			if name != "__name__" && name != "job" {
				cells = append(cells, l.Metric[name])
			}
		}
		d.text(b.x, y, "", strings.Join(cells, " · "))
		d.text(b.x+b.w, y, `text-anchor="end"`, inUnit(l.Value.Value, p.FieldConfig.Defaults.Unit))
	}
}

// heatmap draws how many more each bound has than the one before.
func (d *drawing) heatmap(p panel, b box, lines []line) {
	bound := func(l line) float64 {
		v, err := strconv.ParseFloat(l.Metric["le"], 64)
		if err != nil {
			return math.Inf(1)
		}
		return v
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(bound(a), bound(b)) })
	plot := box{b.x + axisWidth, b.y + 4, b.w - axisWidth, b.h - timeHeight - 8}
	height := plot.h / float64(max(1, len(lines)))
	most := 0.0
	var cells [][]point
	below := map[float64]float64{}
	for _, l := range lines {
		var row []point
		for _, v := range l.Values {
			if v.real() {
				row = append(row, point{v.At, max(0, v.Value-below[v.At])})
				most = max(most, v.Value-below[v.At])
				below[v.At] = v.Value
			}
		}
		cells = append(cells, row)
	}
	width := plot.w * d.step.Seconds() / d.to.Sub(d.from).Seconds()
	for i, row := range cells {
		y := plot.y + plot.h - height*float64(i+1)
		if i%2 == 0 {
			d.text(plot.x-6, y+height, `text-anchor="end" font-size="10"`, inUnit(bound(lines[i]), p.FieldConfig.Defaults.Unit))
		}
		for j := 0; j < len(row); {
			same := j + 1 // as many, to the next that differs
			for same < len(row) && row[same].Value == row[j].Value && row[same].At-row[same-1].At < 2*d.step.Seconds() {
				same++
			}
			if v := row[j]; v.Value > 0 {
				d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#d55e00" fill-opacity="%.2f"/>`,
					plot.x+d.share(v.At)*(plot.w-width), y, width*float64(same-j), height, 0.15+0.85*v.Value/most)
			}
			j = same
		}
	}
	d.times(plot)
}

// inUnit writes a value as Grafana does, more or less.
func inUnit(v float64, unit string) string {
	switch {
	case math.IsNaN(v):
		return "no data"
	case math.IsInf(v, 1):
		return "+Inf"
	case unit == "percentunit" && math.Abs(v) >= 1:
		return strconv.FormatFloat(v*100, 'f', 0, 64) + " %"
	case unit == "percentunit":
		return short(v*100) + " %"
	case unit == "s" && math.Abs(v) >= 86400:
		return fmt.Sprintf("%.1f d", v/86400)
	case unit == "s" && v != 0 && math.Abs(v) < 1:
		return short(v*1000) + " ms"
	case unit == "s" || unit == "ms":
		return short(v) + " " + unit
	case unit == "bytes" || unit == "Bps":
		suffix := map[string]string{"bytes": "B", "Bps": "B/s"}[unit]
		for _, prefix := range []string{"", "Ki", "Mi"} {
			if math.Abs(v) < 1024 {
				return short(v) + " " + prefix + suffix
			}
			v /= 1024
		}
		return short(v) + " Gi" + suffix
	case unit == "eps" || unit == "cps" || unit == "reqps":
		return short(v) + " /s"
	default:
		return short(v)
	}
}

// short writes three digits.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " M"
	case a >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + " k"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
