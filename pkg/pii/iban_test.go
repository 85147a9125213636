// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exampleIBAN makes an account number of a country with a right check sum.
func exampleIBAN(country string) string {
	form := accountForms[countryIndex(country[0], country[1])]
	account := make([]byte, len(form))
	for i, class := range form {
		switch class {
		case 'n':
			account[i] = byte('0' + (i*7+3)%10)
		case 'a':
			account[i] = byte('A' + (i*11+2)%26)
		default:
			account[i] = "0A1B2C3D4E"[i%10]
		}
	}
	sum := 98 - mod97([]byte(country+"00"+string(account)))
	return fmt.Sprintf("%s%02d%s", country, sum, account)
}

func inFours(v, sep string) string {
	var out strings.Builder
	for i, r := range v {
		if i > 0 && i%4 == 0 {
			out.WriteString(sep)
		}
		out.WriteRune(r)
	}
	return out.String()
}

func TestIBANOfEveryCountry(t *testing.T) {
	e := NewDefault()
	for _, country := range slices.Sorted(maps.Keys(accounts)) {
		plain := exampleIBAN(country)
		require.LessOrEqual(t, len(plain), maxIBAN)
		for _, v := range []string{
			plain, strings.ToLower(plain), inFours(plain, " "), inFours(plain, "\u00A0"), inFours(plain, "\u202F"), inFours(plain, "-"),
			inFours(plain, "–"), inFours(strings.ToLower(plain), " "),
		} {
			for _, around := range [][2]string{{"", ""}, {"IBAN: ", "."}, {"pay to (", ") by Friday"}, {"IBAN=", ", BIC DEUTDEFF"}, {"口座", "です"}} {
				text := around[0] + v + around[1]
				out, err := e.Redact(text, nil)
				require.NoError(t, err)
				assert.Equal(t, around[0]+"[IBAN_REDACTED]"+around[1], out)
			}
		}
		wrong := []byte(plain)
		wrong[2] = '0' + (wrong[2]-'0'+1)%10
		for _, m := range findAll(e, "ref "+string(wrong)) {
			assert.NotEqual(t, IBAN, m.entity, "the check sum of %s is wrong", wrong)
		}
	}
}

func TestIBAN(t *testing.T) {
	tests := []struct{ in, want string }{
		{"GB82WEST12345698765432 and DE89370400440532013000", "[IBAN_REDACTED] and [IBAN_REDACTED]"},
		{"FR14 2004 1010 0505 0001 3M02 606", "[IBAN_REDACTED]"},
		{"DE89 370400440532013000", "[IBAN_REDACTED]"},
		{"GB82 WEST 123456 98765432", "[IBAN_REDACTED]"},
		{"DE 89 3704 0044 0532 0130 00", "[IBAN_REDACTED]"},
		{"DE89370400440532013000.", "[IBAN_REDACTED]."},
		{"IBAN:NL91ABNA0417164300;", "IBAN:[IBAN_REDACTED];"},
		{"NO93 8601 1117 947 is mine", "[IBAN_REDACTED] is mine"},
		{"de89370400440532013000", "[IBAN_REDACTED]"},
		// Look-alikes.
		{"DE89370400440532013001", "DE89370400440532013001"},
		{"DE89370400440532013000X", "DE89370400440532013000X"},
		{"XDE89370400440532013000", "XDE89370400440532013000"},
		{"ZZ12345678901234567890", "ZZ12345678901234567890"},
		{"at 12 o'clock it said no, and by 13 it was the same as before", "at 12 o'clock it said no, and by 13 it was the same as before"},
		{"SK12 and MT31 are models, LC24 too", "SK12 and MT31 are models, LC24 too"},
	}
	for _, tt := range tests {
		out, err := NewDefault().Redact(tt.in, nil)
		require.NoError(t, err)
		assert.Equal(t, tt.want, out)
	}
}
