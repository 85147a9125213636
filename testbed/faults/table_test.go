// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
)

// tableEnv names the file that the table is written to, as Markdown.
const tableEnv = "FEEDBACK_FAULTS_TABLE"

// table is what the rows came to.
type table struct {
	mu    sync.Mutex
	lines []string
	last  string // the row added last
}

// add adds what one mode came to in a row.
func (t *table) add(r *row, mode string, v ledger.Verdict, notes []string, good bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fault, expected := r.fault, r.expected
	if t.last == r.name {
		fault, expected = "", ""
	}
	t.last = r.name
	verdict := "as expected"
	if !good {
		verdict = "**not as expected**"
	}
	if len(notes) > 0 {
		verdict += "; " + strings.Join(notes, "; ")
	}
	t.lines = append(t.lines, fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %d | %d | %d | %s | %s | %s |",
		fault, expected, mode, v.Sent, v.Acknowledged, v.Lost, v.Twice, v.OutOfOrder, v.Unavailable,
		round(v.P99), round(v.Slowest), verdict))
}

func round(d time.Duration) string {
	if d < 100*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// write prints the table, and writes it to the file that is asked for.
func (t *table) write(long bool) error {
	if len(t.lines) == 0 {
		return nil
	}
	form := "short"
	if long {
		form = "long"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d CPUs, %d MiB of memory, %s form, Apache Kafka %s.\n\n",
		time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), memoryMiB(), form, kafkaVersion())
	b.WriteString("| fault | expected | mode | sent | acknowledged | lost | twice | out of order | 503 | p99 | slowest | outcome |\n")
	b.WriteString("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	b.WriteString(strings.Join(t.lines, "\n") + "\n")
	fmt.Fprintln(os.Stdout, b.String())
	if file := os.Getenv(tableEnv); file != "" {
		return os.WriteFile(file, []byte(b.String()), 0o600)
	}
	return nil
}

// memoryMiB is the machine's memory, 0 if it does not say.
func memoryMiB() int {
	text, _ := os.ReadFile("/proc/meminfo")
	var kib int
	_, _ = fmt.Sscanf(string(text), "MemTotal: %d kB", &kib)
	return kib / 1024
}

// kafkaVersion is that of the jars.
func kafkaVersion() string {
	jars, _ := filepath.Glob(filepath.Join(os.Getenv(kafka.LibsEnv), "kafka_*.jar"))
	if len(jars) == 0 {
		return "unknown"
	}
	_, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(jars[0]), ".jar"), "-")
	return version
}
