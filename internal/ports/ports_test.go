// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package ports

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const asked = "PORTS_TEST_ASKED"

// TestMain lets the test's own binary be the other process: it asks for ports,
// writes them down, and lives until its input ends.
func TestMain(m *testing.M) {
	if os.Getenv(asked) == "" {
		os.Exit(m.Run())
	}
	found, err := Free(2 * block)
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintln(os.Stdout, strings.Trim(fmt.Sprint(found), "[]"))
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func TestNoPortIsGivenTwice(t *testing.T) {
	const processes = 8
	given := make([][]string, processes)
	var wg sync.WaitGroup
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), asked+"=1")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
		wg.Go(func() {
			line, _ := bufio.NewReader(out).ReadString('\n')
			given[i] = strings.Fields(line)
		})
	}
	wg.Wait()
	by := map[string]int{}
	for i, g := range given {
		require.Len(t, g, 2*block, "process %d", i)
		for _, p := range g {
			assert.NotContains(t, by, p)
			by[p] = i
		}
	}
}

func TestAPortInUseIsNotGiven(t *testing.T) {
	given, err := Free(1)
	require.NoError(t, err)
	taken, err := net.Listen("tcp", Loopback(given[0])) //nolint:noctx // at once
	require.NoError(t, err)
	defer func() { assert.NoError(t, taken.Close()) }()
	mu.Lock()
	left = append([]int{given[0]}, left...) // as if it had not been given
	mu.Unlock()
	next, err := Free(1)
	require.NoError(t, err)
	assert.NotEqual(t, given, next)
}
