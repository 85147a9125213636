// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
)

// Config is the configuration of the feedback receiver.
type Config struct {
	// Protocols are the ways in; at least one must be named.
	Protocols Protocols `mapstructure:"protocols"`

	// TrustTraceparent lets a caller's traceparent decide whether the collector
	// records spans of its request. Without it that is drawn by lot, in a trace of
	// the collector's own, linked to the caller's. Default: true.
	TrustTraceparent bool `mapstructure:"trust_traceparent"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Protocols are the ways in.
type Protocols struct {
	// HTTP serves POST /v1/feedback, probes and documents. Default: off unless
	// named.
	HTTP configoptional.Optional[HTTPConfig] `mapstructure:"http"`
	// GRPC serves feedback.v1.FeedbackService. Default: off unless named.
	GRPC configoptional.Optional[GRPCConfig] `mapstructure:"grpc"`
	// prevent unkeyed literal initialization
	_ struct{}
}

// HTTPConfig is the configuration of the HTTP server.
type HTTPConfig struct {
	// ServerConfig is the collector's own HTTP server, with other defaults.
	//
	//   - max_request_body_size: max_request_body_size bounds a body, as it comes and
	//     after decompression. Unit: bytes. Bounds: at least 1.
	//   - read_header_timeout: read_header_timeout bounds reading the headers.
	//   - read_timeout: read_timeout bounds reading a whole request.
	//   - write_timeout: write_timeout counts from the end of the headers and covers
	//     the body, the wait for room and delivery, and the answer; it is more than
	//     read_timeout.
	//   - idle_timeout: idle_timeout is how long an idle connection stays open.
	//   - auth: auth guards /v1/feedback alone.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// TrustedProxies are the CIDRs of proxies whose X-Forwarded-For or Forwarded
	// header is believed. Default: none, the client is the peer.
	TrustedProxies []string `mapstructure:"trusted_proxies"`

	// MaxRequestEvents bounds the events of one request. Unit: events. Bounds: at
	// least 1. Default: 10000.
	MaxRequestEvents int `mapstructure:"max_request_events"`

	// MaxHeaderBytes bounds request line and headers. Unit: bytes. Bounds: at
	// least 1024. Default: 65536.
	MaxHeaderBytes int `mapstructure:"max_header_bytes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ component.Config = (*Config)(nil)

// Validate implements component.Config.
func (c *Config) Validate() error {
	if !c.Protocols.HTTP.HasValue() && !c.Protocols.GRPC.HasValue() {
		return errors.New("protocols: name at least one of http and grpc")
	}
	if c.Protocols.HTTP.HasValue() && c.Protocols.GRPC.HasValue() {
		h, g := c.Protocols.HTTP.Get().ServerConfig.NetAddr.Endpoint, c.Protocols.GRPC.Get().endpoint()
		if samePort(h, g) {
			return fmt.Errorf("protocols::http::endpoint (%s) and protocols::grpc::endpoint (%s) must differ in their port", h, g)
		}
	}
	return nil
}

// Validate implements component.Config.
func (c *HTTPConfig) Validate() error {
	var errs []error
	if c.MaxRequestEvents < 1 {
		errs = append(errs, errors.New("max_request_events must be at least 1"))
	}
	if c.MaxHeaderBytes < 1024 {
		errs = append(errs, errors.New("max_header_bytes must be at least 1024"))
	}
	s := &c.ServerConfig
	if s.MaxRequestBodySize < 1 {
		errs = append(errs, errors.New("max_request_body_size must be at least 1"))
	}
	if s.WriteTimeout > 0 && (s.ReadTimeout <= 0 || s.WriteTimeout <= s.ReadTimeout) {
		errs = append(errs, errors.New("write_timeout counts from the end of the headers: it must be above read_timeout, which must be set"))
	}
	errs = append(errs, validateTLS(s.TLS))
	for i, p := range c.TrustedProxies {
		if _, err := parseCIDR(p); err != nil {
			errs = append(errs, fmt.Errorf("trusted_proxies[%d]: expected a CIDR such as 10.0.0.0/8", i))
		}
	}
	for _, name := range s.CompressionAlgorithms {
		if _, ok := codecs[name]; !ok && name != "" {
			errs = append(errs, fmt.Errorf("compression_algorithms: %q is not supported", name))
		}
	}
	if s.CORS.HasValue() {
		for _, o := range allowedOrigins(s) {
			if strings.Count(o, "*") > 1 {
				errs = append(errs, fmt.Errorf("cors::allowed_origins: %q has more than one *", o))
			}
		}
	}
	return errors.Join(errs...)
}

// allowedOrigins is cors::allowed_origins without what an environment variable
// may have left: spaces and empty entries.
func allowedOrigins(s *confighttp.ServerConfig) []string {
	if !s.CORS.HasValue() {
		return nil
	}
	var out []string
	for _, entry := range s.CORS.Get().AllowedOrigins {
		for o := range strings.SplitSeq(entry, ",") {
			if o = strings.TrimSpace(o); o != "" {
				out = append(out, o)
			}
		}
	}
	return out
}

// parseCIDR reads a CIDR or a lone address.
func parseCIDR(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	return p.Masked(), nil
}

// samePort reports whether two endpoints cannot both be listened on.
func samePort(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil {
		return a == b // sockets by path
	}
	if portA != portB || portA == "0" {
		return false
	}
	ipA, errA := netip.ParseAddr(hostA)
	ipB, errB := netip.ParseAddr(hostB)
	if errA != nil || errB != nil {
		return true // a name may stand for the other's address
	}
	return ipA == ipB || ipA.IsUnspecified() || ipB.IsUnspecified()
}
