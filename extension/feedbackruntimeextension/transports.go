// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"slices"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Transports lists the ways in which events can come with the receivers that
// are configured, in order. It is empty where the configuration is not known.
// Counters by transport begin at 0 for each.
func Transports(host component.Host) []string {
	for _, e := range host.GetExtensions() {
		if r, ok := e.(*runtimeExtension); ok {
			return r.transports
		}
	}
	return nil
}

// transports lists those of the receivers in pipelines that admit events.
func (c wholeConfig) transports() []string {
	var found []string
	pipelines := section(c.at("service", "pipelines"))
	for _, name := range sortedKeys(pipelines) {
		pipeline := section(pipelines[name])
		if !slices.ContainsFunc(texts(pipeline["processors"]), func(id string) bool { return typeOf(id) == typeAdmission }) {
			continue
		}
		for _, id := range texts(pipeline["receivers"]) {
			found = append(found, c.transportsOf(id)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// transportsOf knows a receiver's transports by its type; what it does not know
// counts as otlp, as it does in admission.
func (c wholeConfig) transportsOf(id string) []string {
	switch typeOf(id) {
	case typeFeedback:
		var found []string
		for _, protocol := range []string{feedback.TransportHTTP, feedback.TransportGRPC} {
			if c.at("receivers", id, "protocols", protocol) != nil {
				found = append(found, protocol)
			}
		}
		return found
	case "filelog", "file_log":
		return []string{feedback.TransportFile}
	case "kafka":
		return []string{feedback.TransportKafka}
	default:
		return []string{feedback.TransportOTLP}
	}
}
