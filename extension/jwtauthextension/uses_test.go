// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func idOf(n int) string { return fmt.Sprintf("%016d", n) }

func TestUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUses(10, zap.NewNop())
		later := time.Now().Add(time.Hour)
		assert.True(t, u.Take("a", later, 3, 2))
		assert.False(t, u.Take("a", later, 3, 2), "all at once or none")
		assert.True(t, u.Take("a", later, 3, 1))
		assert.False(t, u.Take("a", later, 3, 1))
		assert.True(t, u.Take("a", later, 3, 0), "nothing is always there")
		assert.True(t, u.Take("b", later, 1, 1), "each token has its own")
		assert.False(t, u.Take("c", later, 1, 2))

		u.Return("a", 2)
		assert.True(t, u.Take("a", later, 3, 2))
		u.Return("a", 5)
		assert.False(t, u.Take("a", later, 3, 4), "no more comes back than was taken")
		u.Return("none", 1)
		u.Return("a", 0)

		time.Sleep(time.Hour)
		assert.False(t, u.Take("a", later, 3, 1), "it has expired")
		assert.True(t, u.Take("d", later.Add(time.Minute), 1, 1))
		time.Sleep(time.Second)
		assert.True(t, u.Take("e", later.Add(time.Minute), 1, 1))
		assert.Len(t, u.tokens, 2, "what has expired is forgotten")
		assert.Len(t, u.expires, 2)
	})
}

// A full table takes no further token; those in it are counted on.
func TestUsesFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.ErrorLevel)
		u := newUses(3, zap.New(core))
		now := time.Now()
		for i := range 3 {
			require.True(t, u.Take(idOf(i), now.Add(time.Duration(3-i)*time.Hour), 2, 1))
		}
		for range 100 {
			assert.False(t, u.Take(idOf(9), now.Add(time.Hour), 1, 1))
		}
		assert.Equal(t, 1, logs.Len(), "said once")
		assert.True(t, u.Take(idOf(0), now.Add(3*time.Hour), 2, 1))
		assert.False(t, u.Take(idOf(0), now.Add(3*time.Hour), 2, 1))
		time.Sleep(time.Hour + time.Second)
		assert.True(t, u.Take(idOf(9), now.Add(3*time.Hour), 1, 1), "one has expired")
		assert.False(t, u.Take(idOf(10), now.Add(3*time.Hour), 1, 1))
		assert.False(t, u.Take(idOf(0), now.Add(3*time.Hour), 2, 1), "none was forgotten before")
	})
}

func openUses(t testing.TB, dir string) (*uses, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	u := newUses(1000, zap.New(core))
	require.NoError(t, u.open(dir))
	return u, logs
}

// kill is what the end of the process does: nothing is written any more.
func kill(t testing.TB, u *uses) {
	t.Helper()
	if u.log.file != nil {
		require.NoError(t, u.log.file.Close())
	}
	require.NoError(t, u.log.lock.Close())
}

func TestUsesSurvive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	later := time.Now().Add(time.Hour)
	u, _ := openUses(t, dir)
	require.True(t, u.Take("a", later, 5, 3))
	require.True(t, u.Take("b", later, 5, 5))
	u.Return("b", 2)
	require.True(t, u.Take("gone", time.Now().Add(time.Millisecond), 1, 1))
	kill(t, u)

	u, logs := openUses(t, dir)
	assert.False(t, u.Take("a", later, 5, 3))
	assert.True(t, u.Take("a", later, 5, 2))
	assert.True(t, u.Take("b", later, 5, 2))
	assert.False(t, u.Take("b", later, 5, 1))
	require.NoError(t, u.close())
	require.NoError(t, u.close())
	assert.False(t, u.Take("c", later, 5, 1), "what is not written down is not given")
	u.Return("a", 1)
	assert.Equal(t, 1, logs.Len())

	u, _ = openUses(t, dir)
	assert.False(t, u.Take("a", later, 5, 1))
	require.NoError(t, u.close())
	info, err := os.Stat(filepath.Join(dir, useLogName))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A record cut off by the end of the process was not granted; one that was
// damaged later is said to be, and the others count.
func TestUsesDamaged(t *testing.T) {
	later := time.Now().Add(time.Hour)
	whole := func(t *testing.T) (dir, path string, data []byte) {
		dir = t.TempDir()
		u, _ := openUses(t, dir)
		for i := range 3 {
			require.True(t, u.Take(idOf(i), later, 2, 2))
		}
		kill(t, u)
		path = filepath.Join(dir, useLogName)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Len(t, data, len(useLogMagic)+3*changeSize)
		return dir, path, data
	}
	t.Run("cut", func(t *testing.T) {
		dir, path, data := whole(t)
		for cut := 1; cut < changeSize; cut++ {
			write(t, path, string(data[:len(data)-cut]))
			u, logs := openUses(t, dir)
			assert.Zero(t, logs.Len())
			assert.False(t, u.Take(idOf(1), later, 2, 1))
			assert.True(t, u.Take(idOf(2), later, 2, 2))
			kill(t, u)
		}
	})
	t.Run("flipped", func(t *testing.T) {
		dir, path, data := whole(t)
		data[len(useLogMagic)+changeSize+3] ^= 1
		write(t, path, string(data))
		u, logs := openUses(t, dir)
		assert.Equal(t, 1, logs.FilterMessageSnippet("could not be read").Len())
		assert.False(t, u.Take(idOf(0), later, 2, 1))
		assert.False(t, u.Take(idOf(2), later, 2, 1))
		require.NoError(t, u.close())
	})
	t.Run("empty", func(t *testing.T) {
		dir, path, _ := whole(t)
		write(t, path, "")
		u, logs := openUses(t, dir)
		assert.Zero(t, logs.Len())
		require.NoError(t, u.close())
	})
	t.Run("no list", func(t *testing.T) {
		dir, path, data := whole(t)
		data[0] ^= 1
		write(t, path, string(data))
		u := newUses(1, zap.NewNop())
		require.ErrorContains(t, u.open(dir), "is no list of uses")
		require.NoError(t, u.close())
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, left), "it is left as it was")
	})
}

func TestUsesDirectoryIsTaken(t *testing.T) {
	dir := t.TempDir()
	u, _ := openUses(t, dir)
	other := newUses(1, zap.NewNop())
	require.ErrorIs(t, other.open(dir), errUseLogLocked)
	require.NoError(t, other.close())
	require.NoError(t, u.close())
	require.NoError(t, other.open(dir))
	require.NoError(t, other.close())
}

// A disk that fails takes nothing away and gives nothing away; when it works
// again, all is as it was.
func TestUsesDiskFails(t *testing.T) {
	dir := t.TempDir()
	later := time.Now().Add(time.Hour)
	u, logs := openUses(t, dir)
	require.True(t, u.Take("a", later, 2, 1))
	require.NoError(t, os.Mkdir(filepath.Join(dir, useLogName+".new"), 0o700))
	require.NoError(t, u.log.file.Close())
	for range 3 {
		assert.False(t, u.Take("a", later, 2, 1))
		assert.False(t, u.Take("b", later, 2, 1))
	}
	assert.Equal(t, 1, logs.Len(), "said once")
	require.NoError(t, os.Remove(filepath.Join(dir, useLogName+".new")))
	assert.True(t, u.Take("a", later, 2, 1))
	assert.False(t, u.Take("a", later, 2, 1))
	kill(t, u)
	u, _ = openUses(t, dir)
	assert.False(t, u.Take("a", later, 2, 1))
	require.NoError(t, u.close())
}

func TestUsesFileStaysSmall(t *testing.T) {
	dir := t.TempDir()
	u, _ := openUses(t, dir)
	later := time.Now().Add(time.Hour)
	for range minRewrite + 10 {
		require.True(t, u.Take("a", later, 1, 1))
		u.Return("a", 1)
	}
	info, err := os.Stat(u.log.path())
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(len(useLogMagic)+minRewrite*changeSize))
	require.True(t, u.Take("a", later, 1, 1))
	kill(t, u)
	u, _ = openUses(t, dir)
	assert.False(t, u.Take("a", later, 1, 1))
	require.NoError(t, u.close())
}

// However uses are taken, given back and cut off by the end of the process, no
// token is used more than it may be.
func TestUsesSimulation(t *testing.T) {
	dir := t.TempDir()
	later := time.Now().Add(time.Hour)
	r := rand.New(rand.NewPCG(1, 2))
	const limit = 7
	held := map[string]int{}
	u, _ := openUses(t, dir)
	for range 5000 {
		id, n := idOf(r.IntN(20)), 1+r.IntN(4)
		switch k := r.IntN(100); {
		case k < 60:
			got := u.Take(id, later, limit, n)
			require.Equal(t, held[id]+n <= limit, got)
			if got {
				held[id] += n
			}
		case k < 98:
			n = min(n, held[id])
			u.Return(id, n)
			held[id] -= n
		default:
			kill(t, u)
			u, _ = openUses(t, dir)
		}
	}
	require.NoError(t, u.close())
}

func TestUsesConcurrently(t *testing.T) {
	u, _ := openUses(t, t.TempDir())
	later := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	var taken atomic.Int64
	for range 16 {
		all.Go(func() {
			for range 100 {
				if u.Take("a", later, 500, 1) {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	assert.Equal(t, int64(500), taken.Load())
	require.NoError(t, u.close())
}

// What the documentation says a token takes of memory.
func TestUsesMemory(t *testing.T) {
	const n = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	u := newUses(n, zap.NewNop())
	later := time.Now().Add(time.Hour)
	for i := range n {
		require.True(t, u.Take(idOf(i), later.Add(time.Duration(i%1000)*time.Second), 1, 1))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.False(t, u.Take(strconv.Itoa(-1), later, 1, 1))
	assert.Less(t, (after.HeapAlloc-before.HeapAlloc)/n, uint64(200), "bytes a token")
}

func BenchmarkTake(b *testing.B) {
	for _, dir := range []string{"", b.TempDir()} {
		b.Run(map[bool]string{true: "memory", false: "disk"}[dir == ""], func(b *testing.B) {
			u := newUses(1_000_000, zap.NewNop())
			if dir != "" {
				require.NoError(b, u.open(dir))
			}
			later := time.Now().Add(time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				u.Take("a", later, 1, 1)
				u.Return("a", 1)
			}
			require.NoError(b, u.close())
		})
	}
}
