// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryLimit(t *testing.T) {
	pipelines := func(ids ...any) map[string]any {
		return map[string]any{"pipelines": map[string]any{"logs": map[string]any{"processors": ids}}}
	}
	for _, tt := range []struct {
		name string
		conf wholeConfig
		want int64
	}{
		{name: "none", conf: wholeConfig{"service": pipelines("batch")}},
		{name: "a share", want: 800, conf: wholeConfig{
			"processors": map[string]any{"memory_limiter": map[string]any{"limit_percentage": uint32(80), "limit_mib": uint32(0)}},
			"service":    pipelines("memory_limiter"),
		}},
		{name: "a fixed limit goes before a share", want: 5 << 20, conf: wholeConfig{
			"processors": map[string]any{"memory_limiter": map[string]any{"limit_percentage": 80, "limit_mib": 5}},
			"service":    pipelines("memory_limiter"),
		}},
		{name: "the lowest of those in use", want: 100, conf: wholeConfig{
			"processors": map[string]any{
				"memory_limiter":   map[string]any{"limit_percentage": "50"},
				"memory_limiter/2": map[string]any{"limit_percentage": "10"},
				"memory_limiter/3": map[string]any{"limit_percentage": "1"},
			},
			"service": pipelines("memory_limiter", "memory_limiter/2"),
		}},
		{name: "an extension", want: 300, conf: wholeConfig{
			"extensions": map[string]any{"memory_limiter": map[string]any{"limit_percentage": 30}},
			"service":    map[string]any{"extensions": []any{"memory_limiter"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.conf.memoryLimit(1000))
		})
	}
}

func TestAvailableMemory(t *testing.T) {
	const meminfo = "MemTotal:       24602136 kB\nMemFree:         1000000 kB\n"
	const machine = uint64(24602136) << 10
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{name: "nothing can be told"},
		{name: "the machine's", files: map[string]string{"proc/meminfo": meminfo}, want: machine},
		{name: "no bound", files: map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, want: machine},
		{name: "a bound", files: map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "536870912\n"}, want: 512 << 20},
		{name: "a bound of the older kind", files: map[string]string{
			"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
		}, want: 512 << 20},
		{name: "no bound of the older kind", files: map[string]string{
			"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, want: machine},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range tt.files {
				file := filepath.Join(root, filepath.FromSlash(name))
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
				require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			}
			assert.Equal(t, tt.want, availableMemory(root))
		})
	}
}
