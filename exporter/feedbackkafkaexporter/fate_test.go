// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Every code that the client's library knows is judged once.
func TestEveryErrorHasItsVerdict(t *testing.T) {
	byCode := map[int16]verdict{}
	for _, v := range verdicts {
		_, twice := byCode[v.err.Code]
		assert.False(t, twice, v.err.Message)
		assert.NotEmpty(t, v.reason, v.err.Message)
		byCode[v.err.Code] = v
	}
	known := 0
	for code := int16(-1); code < 1000; code++ {
		if code == 0 {
			continue
		}
		var k *kerr.Error
		require.ErrorAs(t, kerr.ErrorForCode(code), &k)
		if k.Code != code {
			continue // it stands for an unknown code
		}
		known++
		assert.Contains(t, byCode, code, k.Message)
	}
	assert.Len(t, verdicts, known)
}

// docs/kafka-errors.md is this table; FEEDBACK_UPDATE=1 writes it.
func TestErrorDocument(t *testing.T) {
	rows := slices.SortedFunc(slices.Values(verdicts), func(a, b verdict) int { return cmp.Compare(a.err.Code, b.err.Code) })
	var want strings.Builder
	want.WriteString("# Kafka's errors\n\n" +
		"What the `feedbackkafka` exporter does when Kafka answers a write with an error. " +
		"An answer is given to a batch; `dead letter` holds for a record that was refused alone. " +
		"A code that is not in the list is treated as `retry`.\n\n" +
		"- **retry**: sent again, after 1 s, 2 s, 4 s … 30 s, without end; behind a spool that takes over, from there\n" +
		"- **dead letter**: one record in the dead-letter topic\n" +
		"- **operator**: sent again, without end, and the collector is not ready: its status names topic and principal\n\n" +
		"| code | error | treatment | why |\n|---|---|---|---|\n")
	var foreign []string
	for _, v := range rows {
		if v.reason == notOurs {
			foreign = append(foreign, "`"+v.err.Message+"`")
			continue
		}
		fmt.Fprintf(&want, "| %d | `%s` | %s | %s |\n", v.err.Code, v.err.Message, v.treatment, v.reason)
	}
	fmt.Fprintf(&want, "\nNot answers to a write, and treated as `retry` if they were: %s.\n", strings.Join(foreign, ", "))

	file := filepath.Join("..", "..", "docs", "kafka-errors.md")
	if os.Getenv("FEEDBACK_UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(want.String()), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got), "run this test with FEEDBACK_UPDATE=1")
}

func TestUnknownErrorIsNeverGivenUp(t *testing.T) {
	assert.Equal(t, returned, fateOf(errors.New("x")))
	assert.Equal(t, returned, fateOf(kerr.ErrorForCode(999)))
}
