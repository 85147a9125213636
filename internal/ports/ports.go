// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package ports finds TCP ports on loopback for the processes of a test.
//
// Tests run in several processes at once, and a port is given away some time
// before the process it is for listens on it. So a process first takes a block
// of ports for itself: it listens on the block's first port as long as it
// lives, which no other can do, and gives away the rest.
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
	first  = 20000
	block  = 50
	blocks = 240
)

var (
	mu    sync.Mutex     // guards what follows
	left  []int          // ports of our blocks that were not given away
	locks []net.Listener // on the first port of each of our blocks, never closed
)

// Free returns n ports that nobody listens on, and that neither this process
// nor another that asks this package has been given before.
func Free(n int) ([]int, error) {
	mu.Lock()
	defer mu.Unlock()
	found := make([]int, 0, n)
	for len(found) < n {
		if len(left) == 0 {
			if err := takeBlock(); err != nil {
				return nil, err
			}
		}
		p := left[0]
		left = left[1:]
		if free(p) {
			found = append(found, p)
		}
	}
	return found, nil
}

// takeBlock adds the ports of a block that no process has to left.
func takeBlock() error {
	for _, b := range rand.Perm(blocks) {
		start := first + b*block
		lock, err := net.Listen("tcp", Loopback(start))
		if err != nil {
			continue
		}
		locks = append(locks, lock)
		for p := start + 1; p < start+block; p++ {
			left = append(left, p)
		}
		return nil
	}
	return fmt.Errorf("each of %d blocks of ports from %d on is taken", blocks, first)
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
