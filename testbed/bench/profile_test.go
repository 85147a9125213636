// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
)

// profiled are the loads whose profiles the compiler gets: each way in, in batches
// and alone, and both modes.
var profiled = []struct {
	of    Contestant
	by    load.Transport
	batch int
}{
	{byDefault, load.HTTP, 100},
	{byDefault, load.HTTP, 1},
	{byDefault, load.GRPC, 10},
	{byDefault, load.OTLPGRPC, 50},
	{durable, load.HTTP, 100},
	{durable, load.HTTP, 1},
}

// TestProfile writes a profile of each load to BENCH_OUT. The binary is one that
// was built with the tag profile.
func TestProfile(t *testing.T) {
	wanted(t, "profile")
	a := newArena(t)
	for i, p := range profiled {
		t.Run(fmt.Sprintf("%s/%s/%d", p.of.Name, p.by, p.batch), func(t *testing.T) {
			free, err := ports.Free(1)
			require.NoError(t, err)
			address := ports.Loopback(free[0])
			c := p.of
			c.Env = append(c.Env[:len(c.Env):len(c.Env)], "PROFILE_ADDRESS="+address)
			r, topic := a.start(t, c)
			plan := load.Plan{Config: r.By(p.by), Warmup: 2 * time.Second, Name: t.Name()}
			plan.Batch, plan.Connections, plan.Duration = p.batch, peerConnections, seconds(t, 10)

			var profiling sync.WaitGroup
			profiling.Go(func() {
				assert.NoError(t, saveProfile(address, plan.Duration, filepath.Join(os.Getenv(outEnv), fmt.Sprintf("profile-%d.pprof", i))))
			})
			a.measure(t, r, topic, plan)
			profiling.Wait()
		})
	}
}

// saveProfile takes a profile of the processor for so long.
func saveProfile(address string, d time.Duration, file string) error {
	client := &http.Client{Transport: &http.Transport{}, Timeout: d + time.Minute}
	defer client.CloseIdleConnections()
	resp, err := client.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, int(d.Seconds())))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("no profile: %s", resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}
