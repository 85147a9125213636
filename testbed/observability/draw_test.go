// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imagesEnv names the directory to which the dashboards are drawn; without it
// they are not.
const imagesEnv = "FEEDBACK_IMAGES"

// Pixels of a dashboard's grid, and around what is drawn in a panel.
const (
	column, rowUnit = 50, 30
	gap             = 6
	titleHeight     = 26
	legendHeight    = 18
	axisWidth       = 58
	timeHeight      = 16
)

// colours can be told apart by the colour-blind, too.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"}

// fills are Grafana's names of colours.
var fills = map[string]string{"green": "#299c46", "yellow": "#d8a800", "orange": "#ed8128", "red": "#d44a3a"}

// drawing is a dashboard as an SVG, in the making.
type drawing struct {
	strings.Builder
	from, to time.Time
	step     time.Duration
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) text(x, y float64, more, text string) {
	d.add(`<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, more, html.EscapeString(text))
}

// box is where something is drawn.
type box struct{ x, y, w, h float64 }

// draw draws every dashboard from what Prometheus has scraped.
func (s *scene) draw(t *testing.T) {
	t.Helper()
	dir := os.Getenv(imagesEnv)
	if dir == "" {
		return
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	now := time.Now()
	for name, board := range dashboards(t) {
		d := &drawing{from: s.began, to: now, step: max(time.Second, now.Sub(s.began)/300)}
		bottom := 0
		for _, p := range board.Panels {
			bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
		}
		d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#444">`,
			24*column+gap, bottom*rowUnit+44)
		d.add(`<title>%s</title><rect width="100%%" height="100%%" fill="#f4f5f5"/>`, html.EscapeString(board.Title))
		d.text(gap*2, 28, `font-size="18" fill="#222"`, board.Title)
		for _, p := range board.Panels {
			s.drawPanel(t, d, p)
		}
		d.add("</svg>")
		file := filepath.Join(dir, "dashboard-"+name+".svg")
		assert.NoError(t, os.WriteFile(file, []byte(d.String()), 0o644))
	}
}

func (s *scene) drawPanel(t *testing.T, d *drawing, p panel) {
	t.Helper()
	b := box{
		x: float64(p.GridPos.X*column + gap), y: float64(p.GridPos.Y*rowUnit + 40),
		w: float64(p.GridPos.W*column - gap), h: float64(p.GridPos.H*rowUnit - gap),
	}
	if p.Type == "row" {
		d.text(b.x+4, b.y+18, `font-size="14" fill="#222"`, p.Title)
		return
	}
	d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" fill="#fff" stroke="#ddd"/>`, b.x, b.y, b.w, b.h)
	d.text(b.x+8, b.y+18, `font-weight="bold"`, p.Title)
	inner := box{b.x + 8, b.y + titleHeight, b.w - 16, b.h - titleHeight - 6}

	var lines []line
	var labels []string
	for _, q := range p.Targets {
		expr := expand(q.Expr, d.to.Sub(d.from))
		var found []line
		var err error
		if p.Type == "timeseries" || p.Type == "heatmap" {
			found, err = s.server.queryRange(t.Context(), expr, d.from, d.to, d.step)
		} else {
			found, err = s.server.query(t.Context(), expr, d.to)
		}
		assert.NoError(t, err, expr)
		for _, l := range found {
			lines = append(lines, l)
			labels = append(labels, legend(q.LegendFormat, l.Metric))
		}
	}
	switch p.Type {
	case "stat", "gauge":
		d.number(p, inner, lines)
	case "table":
		d.table(p, inner, lines)
	case "heatmap":
		d.heatmap(p, inner, lines)
	default:
		d.curves(p, inner, lines, labels)
	}
}

// legend fills a legend's format in.
func legend(format string, metric map[string]string) string {
	for name, value := range metric {
		format = strings.ReplaceAll(format, "{{"+name+"}}", value)
	}
	return format
}
