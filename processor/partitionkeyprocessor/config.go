// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Config of the partitionkey processor.
type Config struct {
	// Keys overrides, by event type, the field whose value is the key. A field
	// inside an object is given by its path, with dots (model_params.top_k), an
	// entry of a map by its name (metadata.tenant). An event that lacks the field,
	// or has it empty, gets the key of its type. Names: user_feedback,
	// performance_metrics, model_response, system_health, experiment_result.
	// Default: none overridden.
	Keys map[string]string `mapstructure:"keys"`
	// GroupByKey puts all events of a request that have the same key under a
	// resource of their own, whose only attribute is feedback.partition.key, for
	// exporters that partition by resource. What else their resource and scope
	// said is dropped. Default: false.
	GroupByKey bool `mapstructure:"group_by_key"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config { return &Config{} }

// Validate reports every key at fault.
func (c *Config) Validate() error {
	var errs []error
	for _, eventType := range slices.Sorted(maps.Keys(c.Keys)) {
		schema := feedback.SchemaOf(eventType)
		if schema == nil {
			errs = append(errs, fmt.Errorf("keys: %q is not an event type", eventType))
			continue
		}
		if _, err := resolve(schema, c.Keys[eventType]); err != nil {
			errs = append(errs, fmt.Errorf("keys::%s: %w", eventType, err))
		}
	}
	return errors.Join(errs...)
}

// resolve turns a field's path into the names to follow through an event.
func resolve(schema *feedback.Schema, path string) ([]string, error) {
	if field, ok := schema.Lookup(path); ok {
		if !scalar(field.Kind) {
			return nil, fmt.Errorf("%q is not a single value", path)
		}
		return strings.Split(path, "."), nil
	}
	if name, entry, nested := strings.Cut(path, "."); nested && entry != "" {
		if field, ok := schema.Lookup(name); ok && isMap(field.Kind) {
			return []string{name, entry}, nil
		}
	}
	return nil, fmt.Errorf("the type has no field %q", path)
}

func scalar(k feedback.Kind) bool {
	switch k {
	case feedback.KindObject, feedback.KindStringList, feedback.KindStringMap, feedback.KindNumberMap:
		return false
	default:
		return true
	}
}

func isMap(k feedback.Kind) bool {
	return k == feedback.KindStringMap || k == feedback.KindNumberMap
}
