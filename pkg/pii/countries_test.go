// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"maps"
	"slices"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/assert"
)

// TestEveryCountry writes an example number of each country the way it is
// written there and abroad.
func TestEveryCountry(t *testing.T) {
	e := NewDefault()
	kinds := []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE}
	forms := []struct {
		name   string
		format phonenumbers.PhoneNumberFormat
		text   []string
		floor  int // percent
	}{
		{"international", phonenumbers.INTERNATIONAL, []string{"", "Write to me, ", " or by mail."}, 99},
		{"E.164", phonenumbers.E164, []string{"", "It is ", "!"}, 97},
		{"national, announced", phonenumbers.NATIONAL, []string{"Phone: ", "you can call me on ", " tomorrow"}, 98},
		{"national, messages", phonenumbers.NATIONAL, []string{"no messages to ", "They are not answering at ", ", sadly"}, 95},
	}
	for _, f := range forms {
		total, hit := 0, 0
		for _, region := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
			for _, kind := range kinds {
				n := phonenumbers.GetExampleNumberForType(region, kind)
				if n == nil {
					continue
				}
				number := phonenumbers.Format(n, f.format)
				if digits := len(digitsOf(number)); digits < minPhone {
					continue
				}
				for _, before := range f.text[:2] {
					text := before + number + f.text[2]
					total++
					if got := findAll(e, text); len(got) == 1 && got[0] == found(Phone, len(before), len(before)+len(number)) {
						hit++
					} else {
						t.Logf("%s, %s: %q: %v", f.name, region, text, got)
					}
				}
			}
		}
		t.Logf("%s: %d of %d", f.name, hit, total)
		assert.GreaterOrEqual(t, hit*100, total*f.floor, f.name)
	}
}
