// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// probe asks a collector for /health now and then: an answer that waits for
// nothing tells how late answers are because the machine is busy.
type probe struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	late   time.Duration // the slowest answer; read it after stop
}

func newProbe(url string) *probe {
	ctx, cancel := context.WithCancel(context.Background())
	p := &probe{cancel: cancel}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			began := time.Now()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return
			}
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
				p.late = max(p.late, time.Since(began))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return p
}

// stop ends the probe, which may be nil, and returns the slowest answer.
func (p *probe) stop() time.Duration {
	if p == nil {
		return 0
	}
	p.cancel()
	p.done.Wait()
	return p.late
}
