// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package tail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// missing reports that the topic does not exist, or not under the id it had.
func missing(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// final reports an error that waiting does not mend.
func final(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) ||
		errors.Is(err, kerr.IllegalSaslState) || errors.Is(err, kerr.TopicAuthorizationFailed) ||
		errors.Is(err, kerr.InvalidTopicException) ||
		errors.As(err, &certificate) || errors.As(err, &record)
}

// connections tells when a broker cannot be reached, once, and when it can again.
type connections struct {
	notice func(string)
	fail   context.CancelCauseFunc

	mu   sync.Mutex
	down map[string]bool // guarded by mu; as many as there are brokers
}

// told reports whether a broker was said to be unreachable.
func (c *connections) told() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.down) > 0
}

var _ kgo.HookBrokerConnect = (*connections)(nil)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (c *connections) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	address := net.JoinHostPort(meta.Host, fmt.Sprint(meta.Port))
	if err != nil && final(err) {
		c.fail(fmt.Errorf("broker %s: %w", address, err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down[address] == (err != nil) {
		return
	}
	if c.down == nil {
		c.down = map[string]bool{}
	}
	c.down[address] = err != nil
	if err != nil {
		hint := ""
		if errors.Is(err, io.EOF) {
			hint = " (it hung up: TLS or SASL, or the lack of it?)"
		}
		c.notice(fmt.Sprintf("broker %s cannot be reached, waiting for it: %v%s", address, err, hint))
	} else {
		c.notice(fmt.Sprintf("broker %s is there", address))
	}
}
