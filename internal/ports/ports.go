// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package ports finds TCP ports on loopback for the processes of a test.
package ports // import "github.com/otelcol-feedback/otelcol-feedback/internal/ports"

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The range lies below the ports that systems hand to outgoing connections, so
// that a port stays free for a process that is started, or started again, later.
const (
	first = 20000
	last  = 32000
)

var (
	mu    sync.Mutex // guards taken
	taken = map[int]bool{}
)

// Free returns n ports that nobody listens on and that this process has not
// been given before.
func Free(n int) ([]int, error) {
	mu.Lock()
	defer mu.Unlock()
	found := make([]int, 0, n)
	for tries := 0; len(found) < n; tries++ {
		if tries > 10*(last-first) {
			return nil, fmt.Errorf("no %d free ports between %d and %d", n, first, last)
		}
		p := first + rand.IntN(last-first)
		if taken[p] || !free(p) {
			continue
		}
		taken[p] = true
		found = append(found, p)
	}
	return found, nil
}

func free(port int) bool {
	l, err := net.Listen("tcp", Loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// Loopback is the address of a port on 127.0.0.1.
func Loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
