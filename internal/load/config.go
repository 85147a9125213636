// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

// Transport is a way in.
type Transport string

// The ways in. HTTP sends one object, or an array if there are several events
// in a request; the OTLP ones send a log record for each event, its fields a
// map.
const (
	HTTP       Transport = "http"
	NDJSON     Transport = "ndjson"
	GRPC       Transport = "grpc"
	GRPCStream Transport = "grpc-stream"
	OTLPGRPC   Transport = "otlp-grpc"
	OTLPHTTP   Transport = "otlp-http"
)

// Transports are all ways in.
var Transports = []Transport{HTTP, NDJSON, GRPC, GRPCStream, OTLPGRPC, OTLPHTTP}

// overHTTP reports whether requests are HTTP/1.1.
func (t Transport) overHTTP() bool { return t == HTTP || t == NDJSON || t == OTLPHTTP }

// Config says what is sent, where and how fast.
type Config struct {
	// Transport is the way in.
	Transport Transport
	// Target is the URL of requests over HTTP, else host:port.
	Target string
	// Batch is how many events a request holds; 1 if 0.
	Batch int
	// Connections are opened, each with at most one request at a time; 64 if 0.
	Connections int
	// Rate is events a second, due at even intervals whatever becomes of those
	// before. 0: each connection sends its next request when the last is answered.
	Rate float64
	// Duration is how long is sent; 10 s if 0.
	Duration time.Duration
	// Timeout is how long an answer is waited for; 30 s if 0.
	Timeout time.Duration
	// EventSize is about how many bytes of JSON an event has; 0: as it comes,
	// some 450 on average.
	EventSize int
	// Clients is how many addresses requests over HTTP name in X-Forwarded-For;
	// 0: they have no such header.
	Clients int
	// Token is sent as a bearer token unless it is empty.
	Token string
	// TLS secures the connections; nil: they are in the clear.
	TLS *tls.Config
	// Seed chooses the events.
	Seed uint64
	// Begin, if there is one, is called when all connections are open and before
	// the first request.
	Begin func()
}

// maxBatch and the others bound what can be asked for.
const (
	maxBatch       = 10_000
	maxConnections = 100_000
	maxRate        = 10_000_000
	maxEventSize   = 1 << 20
)

func (c *Config) setDefaults() {
	if c.Transport == "" {
		c.Transport = HTTP
	}
	if c.Batch == 0 {
		c.Batch = 1
	}
	if c.Connections == 0 {
		c.Connections = 64
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
}

// Validate reports what cannot be.
func (c *Config) Validate() error {
	var errs []error
	bound := func(what string, v, low, high int) {
		if v != 0 && (v < low || v > high) {
			errs = append(errs, fmt.Errorf("%s must lie between %d and %d", what, low, high))
		}
	}
	known := c.Transport == ""
	for _, t := range Transports {
		known = known || t == c.Transport
	}
	if !known {
		errs = append(errs, fmt.Errorf("transport %q: use one of %v", c.Transport, Transports))
	}
	bound("batch", c.Batch, 1, maxBatch)
	bound("connections", c.Connections, 1, maxConnections)
	bound("event size", c.EventSize, 1, maxEventSize)
	bound("clients", c.Clients, 1, 1<<24)
	if !(c.Rate >= 0 && c.Rate <= maxRate) {
		errs = append(errs, fmt.Errorf("rate must lie between 0 and %d", maxRate))
	}
	if c.Duration < 0 || c.Timeout < 0 {
		errs = append(errs, errors.New("duration and timeout must not be negative"))
	}
	if c.Transport.overHTTP() || c.Transport == "" {
		if u, err := url.Parse(c.Target); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, errors.New("target must be http(s)://host:port/path"))
		}
	} else if !strings.Contains(c.Target, ":") || strings.Contains(c.Target, "/") {
		errs = append(errs, errors.New("target must be host:port"))
	}
	return errors.Join(errs...)
}

// planned is how many requests an open loop sends at most.
func (c *Config) planned() int {
	return int(math.Ceil(c.Rate/float64(c.Batch)*c.Duration.Seconds())) + 1
}
