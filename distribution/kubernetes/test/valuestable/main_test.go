// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	got, err := Table([]byte(`# a header

# -- the first
a: x
b:
  # more, then
  # -- nested
  c: ""
  # -- a list
  d: [1, {e: f}]
`))
	require.NoError(t, err)
	assert.Equal(t, "| value | default | what it is |\n|---|---|---|\n"+
		"| `a` | `x` | the first |\n| `b.c` | `\"\"` | nested |\n| `b.d` | `[1,{\"e\":\"f\"}]` | a list |\n", got)
}

func TestEveryValueIsDescribed(t *testing.T) {
	_, err := Table([]byte("a:\n  # no dashes\n  b: 1\nc: {}\n"))
	assert.EqualError(t, err, "values.yaml: a.b has no description\nvalues.yaml: c has no description")
}
