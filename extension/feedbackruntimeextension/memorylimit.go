// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// typeMemoryLimiter is the type of the processor and of the extension.
const typeMemoryLimiter = "memory_limiter"

// memoryLimit is the lowest limit in bytes of the memory limiters in use; 0
// without one. Shares are those of the memory that is there.
func (c wholeConfig) memoryLimit(available uint64) int64 {
	var lowest int64
	for _, kind := range []string{"processors", "extensions"} {
		for _, id := range c.used(kind, typeMemoryLimiter) {
			limit := limitOf(section(c.at(kind, id)), available)
			if limit > 0 && (lowest == 0 || limit < lowest) {
				lowest = limit
			}
		}
	}
	return lowest
}

// limitOf follows memory_limiter: a fixed limit goes before a share.
func limitOf(limiter map[string]any, available uint64) int64 {
	if mib, ok := number(limiter["limit_mib"]); ok && mib > 0 {
		return int64(mib) << 20
	}
	if share, ok := number(limiter["limit_percentage"]); ok && share > 0 {
		return int64(share * float64(available) / 100)
	}
	return 0
}

// availableMemory is the memory in bytes that this process may use: its control
// group's, if that is bounded, or the machine's; 0 where neither can be told.
func availableMemory(root string) uint64 {
	machine := machineMemory(filepath.Join(root, "proc", "meminfo"))
	for _, file := range []string{"memory.max", "memory/memory.limit_in_bytes"} {
		content, err := os.ReadFile(filepath.Join(root, "sys", "fs", "cgroup", file))
		if err != nil {
			continue
		}
		// "max", or in the older kind a number beyond all memory, is no bound.
		bound, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64)
		if err == nil && bound > 0 && (machine == 0 || bound < machine) {
			return bound
		}
	}
	return machine
}

func machineMemory(meminfo string) uint64 {
	content, err := os.ReadFile(meminfo)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
