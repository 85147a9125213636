// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainLen agrees with a look at each byte, wherever in a word that stands.
func TestPlainLen(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("z\"\x00\xff", 5)
			want := at
			if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
				want += 2
			}
			require.Equal(t, want, plainLen(s), "%q", s)
			require.Equal(t, want, plainLen([]byte(s)), "%q", s)
		}
	}
	require.Equal(t, 19, plainLen(strings.Repeat(" ~!", 6)+"#"))
}
