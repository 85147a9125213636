// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/otelcol-feedback/otelcol-feedback/internal/piieval"
)

func readFile(name string) ([]piieval.Sample, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return piieval.Read(bytes.NewReader(b))
}

// readFindings reads another program's findings, and the mean of the
// microseconds it took for each text.
func readFindings(name string) (piieval.Recorded, float64, error) {
	samples, err := readFile(name)
	if err != nil {
		return piieval.Recorded{}, 0, err
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return piieval.Recorded{}, 0, err
	}
	sum, n := 0.0, 0
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); n++ {
		var line struct{ Micros float64 }
		if err := d.Decode(&line); err != nil {
			return piieval.Recorded{}, 0, err
		}
		sum += line.Micros
	}
	return piieval.NewRecorded(samples), sum / float64(max(n, 1)), nil
}
