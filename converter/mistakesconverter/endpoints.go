// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package mistakesconverter // import "github.com/otelcol-feedback/otelcol-feedback/converter/mistakesconverter"

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/setting"
)

// listening are the components that listen, and where their endpoint is set.
var listening = []struct {
	kind, typ string
	paths     [][]string
}{
	{"receivers", "feedback", [][]string{{"protocols", "http"}, {"protocols", "grpc"}}},
	{"receivers", "otlp", [][]string{{"protocols", "grpc"}, {"protocols", "http"}}},
	{"extensions", "embeddedkafka", [][]string{nil}},
	{"extensions", "zpages", [][]string{nil}},
	{"extensions", "health_check", [][]string{nil}},
}

// checkListeners finds addresses to listen on that are empty or no addresses. An
// empty one would listen on any port of every interface.
func checkListeners(whole map[string]any) []error {
	var errs []error
	for _, l := range listening {
		components := section(whole[l.kind])
		for _, id := range sortedKeys(components) {
			if typ, _, _ := strings.Cut(id, "/"); typ != l.typ {
				continue
			}
			for _, inner := range l.paths {
				path := append([]string{l.kind, id}, inner...)
				server := section(at(whole, path...))
				endpoint, set := server["endpoint"]
				if transport, _ := server["transport"].(string); !set || strings.HasPrefix(transport, "unix") {
					continue
				}
				if wrong := wrongAddress(text(endpoint)); wrong != "" {
					errs = append(errs, fmt.Errorf("%s %s: it must be host:port, such as localhost:8080 or 0.0.0.0:8080",
						setting.Name(append(path, "endpoint")...), wrong))
				}
			}
		}
	}
	return errs
}

// wrongAddress says what is wrong with host:port. It never repeats it: what
// should be an address may be anything, a password included.
func wrongAddress(endpoint string) string {
	if endpoint == "" {
		return "is empty"
	}
	if strings.Contains(endpoint, "://") {
		return "is a URL"
	}
	_, port, err := net.SplitHostPort(endpoint)
	switch {
	case err != nil && !strings.Contains(endpoint, ":"):
		return "has no port"
	case err != nil:
		return "is no address"
	case port == "":
		return "has no port"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "has a port that is no number from 0 to 65535"
	}
	return ""
}

// checkTelemetry looks at where the collector's own metrics, traces and logs go.
func checkTelemetry(whole map[string]any) []error {
	path := []string{"service", "telemetry"}
	return walk(at(whole, path...), path)
}

func walk(node any, path []string) (errs []error) {
	path = path[:len(path):len(path)]
	switch n := node.(type) {
	case map[string]any:
		for _, name := range sortedKeys(n) {
			inner := append(path, name)
			if path[len(path)-1] == "exporter" {
				switch name {
				case "otlp":
					errs = append(errs, checkOTLP(section(n[name]), inner)...)
				case "prometheus":
					errs = append(errs, checkPrometheus(section(n[name]), inner)...)
				}
			}
			errs = append(errs, walk(n[name], inner)...)
		}
	case []any:
		for i, child := range n {
			inner := append([]string(nil), path...)
			inner[len(inner)-1] += fmt.Sprintf("[%d]", i)
			errs = append(errs, walk(child, inner)...)
		}
	}
	return errs
}

func checkOTLP(exporter map[string]any, path []string) []error {
	path = append(path, "endpoint")
	endpoint := text(exporter["endpoint"])
	u, err := url.Parse(endpoint)
	if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	wrong, what := "is no URL", "it"
	if endpoint == "" {
		wrong = "is empty"
	}
	if v := setting.Variable(path...); v != "" {
		what = v
	}
	return []error{fmt.Errorf("%s %s: %s must be set to http://host:4317, or https:// for TLS", setting.Name(path...), wrong, what)}
}

func checkPrometheus(exporter map[string]any, path []string) (errs []error) {
	path = path[:len(path):len(path)]
	if host, set := exporter["host"]; set {
		if wrong := wrongHost(text(host)); wrong != "" {
			errs = append(errs, fmt.Errorf("%s %s: it must be a host, such as localhost or 0.0.0.0", setting.Name(append(path, "host")...), wrong))
		}
	}
	port := text(exporter["port"])
	if _, err := strconv.ParseUint(port, 10, 16); err == nil {
		return errs
	}
	wrong := "is no number from 0 to 65535"
	if port == "" {
		wrong = "is empty"
	}
	return append(errs, fmt.Errorf("%s %s: it must be a port, such as 8888", setting.Name(append(path, "port")...), wrong))
}

// wrongHost says what is wrong with a host whose port is a setting of its own. An
// empty one would listen on every interface.
func wrongHost(host string) string {
	if host == "" {
		return "is empty"
	}
	if strings.Contains(host, "://") {
		return "is a URL"
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return "has a port, which is a setting of its own"
	}
	return ""
}

func at(node any, path ...string) any {
	for _, name := range path {
		node = section(node)[name]
	}
	return node
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
