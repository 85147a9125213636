// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package mistakesconverter // import "github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"

import (
	"slices"
	"strings"
)

func contains(names []string, name string) bool { return slices.Contains(names, name) }

// suggest asks whether the nearest of the names was meant, if one is near; if
// there are only a few it lists them.
func suggest(name string, names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	best, nearest := "", len(name)/3+2
	for _, candidate := range names {
		if d := distance(name, candidate); d < nearest {
			best, nearest = candidate, d
		}
	}
	switch {
	case best != "":
		return "; did you mean " + best + "?"
	case len(names) > 0 && len(names) <= 16:
		return "; there are " + strings.Join(names, ", ")
	default:
		return ""
	}
}

// distance is how many letters must be changed, added, left out or swapped with
// their neighbour to make one word of the other.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
