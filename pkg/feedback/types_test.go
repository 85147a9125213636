// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTypeCounts(t *testing.T) {
	var c TypeCounts
	for i, typ := range Types() {
		c.Add(typ, i+1)
	}
	c.Add("", 10)
	c.Add("opinion", 100)
	assert.Equal(t, TypeCounts{1, 2, 3, 4, 5, 116}, c)
}

func TestCodes(t *testing.T) {
	seen := map[Code]bool{}
	for _, c := range Codes() {
		seen[c] = true
	}
	assert.Len(t, seen, 15)
}
