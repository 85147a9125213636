// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Median is the middle one of the values; of an even number the lower middle.
func Median[T cmp.Ordered](values []T) T {
	var none T
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// busy is the load, in processes, above which a machine has other work.
const busy = 0.5

// Machine describes where and with what a run was made, in a sentence, from what
// the machine was doing before it.
func Machine(binary, kafkaLibs string) string {
	s := fmt.Sprintf("%s, %d CPUs (%s), %d MiB of memory, %s/%s, %s; Apache Kafka %s, one node, the generator and the collector on the same machine",
		time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), firstOf("/proc/cpuinfo", "model name"), memoryMiB(),
		runtime.GOOS, runtime.GOARCH, runtime.Version(), kafkaVersion(kafkaLibs))
	if binary != "" {
		s += "; " + binary
	}
	if load := loadAverage(); load > busy {
		s += fmt.Sprintf(". **The machine was shared**: before the run its load was %.1f, so times, rates and, less so, CPU per event are too high", load)
	}
	return s + "."
}

func firstOf(file, field string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memoryMiB() int {
	var kib int
	_, _ = fmt.Sscanf(firstOf("/proc/meminfo", "MemTotal"), "%d", &kib)
	return kib / 1024
}

func loadAverage() float64 {
	var load float64
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscanf(string(text), "%f", &load)
	}
	return load
}

func kafkaVersion(libs string) string {
	jars, _ := filepath.Glob(filepath.Join(libs, "kafka_*.jar")) // its pattern is sound
	for _, jar := range jars {
		if _, version, ok := strings.Cut(strings.TrimSuffix(filepath.Base(jar), ".jar"), "-"); ok {
			return version
		}
	}
	return "of unknown version"
}
