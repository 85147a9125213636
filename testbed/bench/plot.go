// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math"
	"strings"
)

// Curve is a cause and what it costs.
type Curve struct {
	// Name stands in the legend.
	Name string
	// X and Y are its points; all are positive.
	X, Y []float64
}

const (
	plotWidth, plotHeight = 640, 360
	plotLeft, plotRight   = 60, 150
	plotTop, plotBottom   = 20, 45
)

// colours can be told apart by the colour-blind, too, and on dark pages.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}

// Plot draws curves with both axes logarithmic, as an SVG.
func Plot(title, xAxis, yAxis string, curves []Curve) string {
	xs, ys := extent(curves, func(c Curve) []float64 { return c.X }), extent(curves, func(c Curve) []float64 { return c.Y })
	at := func(x, y float64) (float64, float64) {
		return plotLeft + (math.Log10(x)-xs[0])/(xs[1]-xs[0])*(plotWidth-plotLeft-plotRight),
			plotHeight - plotBottom - (math.Log10(y)-ys[0])/(ys[1]-ys[0])*(plotHeight-plotTop-plotBottom)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#777">`+"\n<title>%s</title>\n",
		plotWidth, plotHeight, title)
	for e := xs[0]; e <= xs[1]; e++ {
		x, _ := at(math.Pow(10, e), math.Pow(10, ys[0]))
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#7774"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x, plotTop, plotHeight-plotBottom, x, plotHeight-plotBottom+18, power(e))
	}
	for e := ys[0]; e <= ys[1]; e++ {
		_, y := at(math.Pow(10, xs[0]), math.Pow(10, e))
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#7774"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y, plotWidth-plotRight, plotLeft-6, y+4, power(e))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-8, xAxis)
	fmt.Fprintf(&b, `<text x="14" y="%d" text-anchor="middle" transform="rotate(-90 14 %d)">%s</text>`+"\n", plotHeight/2, plotHeight/2, yAxis)
	for i, c := range curves {
		colour := colours[i%len(colours)]
		path := "M"
		for j := range c.X {
			x, y := at(c.X[j], c.Y[j])
			path += fmt.Sprintf("%.1f %.1f ", x, y)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(path), colour)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", plotWidth-plotRight+12, plotTop+14+18*i, colour, c.Name)
	}
	return b.String() + "</svg>\n"
}

// extent is the whole powers of ten around all values.
func extent(curves []Curve, of func(Curve) []float64) [2]float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range of(c) {
			low, high = min(low, math.Log10(v)), max(high, math.Log10(v))
		}
	}
	low, high = math.Floor(low), math.Ceil(high)
	if high <= low {
		high = low + 1
	}
	return [2]float64{low, high}
}

func power(e float64) string {
	if e >= 0 && e < 7 {
		return fmt.Sprintf("%.0f", math.Pow(10, e))
	}
	return fmt.Sprintf("%g", math.Pow(10, e))
}
