// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// listener is an address that the collector listens on.
type listener struct {
	key  string // of the setting
	path []string
	host string
	port string
}

// listening are the components that listen, and where their endpoint is set.
// Others have keys named endpoint too, for where they connect to.
var listening = []struct {
	kind, typ string
	path      []string
}{
	{"receivers", typeFeedback, []string{"protocols", "http"}},
	{"receivers", typeFeedback, []string{"protocols", "grpc"}},
	{"receivers", typeOTLP, []string{"protocols", "grpc"}},
	{"receivers", typeOTLP, []string{"protocols", "http"}},
	{"extensions", "embeddedkafka", nil},
	{"extensions", "feedbackconsole", nil},
	{"extensions", "health_check", nil},
	{"extensions", "zpages", nil},
}

// checkPorts finds settings that name the same port of the same address.
func checkPorts(whole wholeConfig) []error {
	var errs []error
	listeners := whole.listeners()
	for i, a := range listeners {
		for _, b := range listeners[:i] {
			if a.port == b.port && sameHost(a.host, b.host) {
				errs = append(errs, fmt.Errorf("%s and %s both listen on port %s", b.key, a.key, a.port))
			}
		}
	}
	return errs
}

func (c wholeConfig) listeners() []listener {
	var listeners []listener
	for _, l := range listening {
		for _, id := range c.used(l.kind, l.typ) {
			path := append([]string{l.kind, id}, l.path...)
			server := section(c.at(path...))
			if transport := text(server["transport"]); strings.HasPrefix(transport, "unix") {
				continue
			}
			listeners = appendEndpoint(listeners, append(path, "endpoint"), text(server["endpoint"]))
		}
	}
	readers, _ := c.at("service", "telemetry", "metrics", "readers").([]any)
	for i, reader := range readers {
		prometheus := section(section(section(section(reader)["pull"])["exporter"])["prometheus"])
		if port := text(prometheus["port"]); port != "" {
			path := []string{"service", "telemetry", "metrics", fmt.Sprintf("readers[%d]", i), "pull", "exporter", "prometheus", "port"}
			listeners = appendEndpoint(listeners, path, net.JoinHostPort(text(prometheus["host"]), port))
		}
	}
	return listeners
}

// appendEndpoint leaves out what is no fixed port: the component itself says
// what is wrong with its endpoint.
func appendEndpoint(listeners []listener, path []string, endpoint string) []listener {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return listeners
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return listeners
	}
	return append(listeners, listener{key: key(path...), path: path, host: host, port: strconv.FormatUint(n, 10)})
}

// sameHost reports whether listening on one port of both fails: they are alike,
// or one means every address.
func sameHost(a, b string) bool {
	a, b = canonicalHost(a), canonicalHost(b)
	return a == b || a == "" || b == ""
}

// canonicalHost is empty for all addresses, and localhost for the loopback's.
func canonicalHost(host string) string {
	host = strings.ToLower(host)
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return host
	case addr.IsUnspecified():
		return ""
	case addr.IsLoopback():
		return "localhost"
	default:
		return addr.Unmap().String()
	}
}
