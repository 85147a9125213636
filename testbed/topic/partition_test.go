// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The values are those of Apache Kafka's own test of its Utils.murmur2.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		assert.Equal(t, want, int32(murmur2(key)), key)
	}
	assert.Equal(t, int32(479470107%12), Partition("abc", 12))
}
