// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"

	"github.com/otelcol-feedback/otelcol-feedback/provider/hostnameprovider"
)

const (
	typeExporter   = "feedbackkafka"
	typeValidation = "feedbackvalidation"
	typeRedaction  = "piiredaction"
	typeKey        = "partitionkey"
)

// unneeded are processors that have nothing to say about an event.
var unneeded = []string{"memory_limiter", "feedbackadmission", "batch"}

// Loaded is what a collector's configuration says.
type Loaded struct {
	Settings
	// DeadLetterTopic is the exporter's dead-letter topic.
	DeadLetterTopic string
	// NotApplied are the processors of the pipeline that a replay does not run.
	NotApplied []string
}

// Load reads a collector's configuration: the files, or what else --config of
// the collector takes of files and environment variables.
func Load(ctx context.Context, files []string) (*Loaded, error) {
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              files,
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory(), hostnameprovider.NewFactory()},
		DefaultScheme:     "file",
	})
	if err != nil {
		return nil, err
	}
	conf, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, errors.Join(err, resolver.Shutdown(ctx))
	}
	loaded, err := read(conf)
	return loaded, errors.Join(err, resolver.Shutdown(ctx))
}

// pipelineConfig is a pipeline of service::pipelines.
type pipelineConfig struct {
	Receivers  []string `mapstructure:"receivers"`
	Processors []string `mapstructure:"processors"`
	Exporters  []string `mapstructure:"exporters"`
}

// exporterConfig is the part of the exporter's configuration that is needed.
type exporterConfig struct {
	Topics struct {
		Events string            `mapstructure:"events"`
		ByType map[string]string `mapstructure:"by_type"`
	} `mapstructure:"topics"`
	DeadLetter struct {
		Topic string `mapstructure:"topic"`
	} `mapstructure:"dead_letter"`
}

func read(conf *confmap.Conf) (*Loaded, error) {
	p, exporter, err := findPipeline(conf)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Settings: DefaultSettings()}
	for _, id := range p.Processors {
		var into component.Config
		switch kind := typeOf(id); {
		case kind == typeValidation:
			into = l.Validation
		case kind == typeRedaction:
			into = l.Redaction
		case kind == typeKey:
			into = l.Keys
		case !slices.Contains(unneeded, kind):
			l.NotApplied = append(l.NotApplied, id)
			continue
		default:
			continue
		}
		sub, err := section(conf, "processors", id)
		if err == nil {
			err = sub.Unmarshal(into)
		}
		if err != nil {
			return nil, fmt.Errorf("processors::%s: %w", id, err)
		}
	}
	var e exporterConfig
	sub, err := section(conf, "exporters", exporter)
	if err == nil {
		err = sub.Unmarshal(&e, confmap.WithIgnoreUnused())
	}
	if err != nil {
		return nil, fmt.Errorf("exporters::%s: %w", exporter, err)
	}
	l.EventsTopic, l.TopicsByType, l.DeadLetterTopic = e.Topics.Events, e.Topics.ByType, e.DeadLetter.Topic
	return l, l.Validate()
}

// section is the configuration of one component, empty if it has none.
func section(conf *confmap.Conf, kind, id string) (*confmap.Conf, error) {
	all, err := conf.Sub(kind)
	if err != nil {
		return nil, err
	}
	m, _ := all.ToStringMap()[id].(map[string]any)
	return confmap.NewFromStringMap(m), nil
}

// findPipeline finds the pipeline that publishes feedback.
func findPipeline(conf *confmap.Conf) (found *pipelineConfig, exporter string, err error) {
	sub, err := conf.Sub("service::pipelines")
	if err != nil {
		return nil, "", err
	}
	pipelines := map[string]pipelineConfig{}
	if err := sub.Unmarshal(&pipelines); err != nil {
		return nil, "", fmt.Errorf("service::pipelines: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(pipelines)) {
		p := pipelines[name]
		for _, id := range p.Exporters {
			switch {
			case typeOf(id) != typeExporter:
			case found == nil:
				found, exporter = &p, id
			case id != exporter || !reflect.DeepEqual(p.Processors, found.Processors):
				return nil, "", errors.New("service::pipelines: several differ in how they publish feedback; give a file with the one that is meant")
			}
		}
	}
	if found == nil {
		return nil, "", fmt.Errorf("service::pipelines: none exports to %s", typeExporter)
	}
	return found, exporter, nil
}

// typeOf is the type in a component's id, type or type/name.
func typeOf(id string) string {
	kind, _, _ := strings.Cut(id, "/")
	return strings.TrimSpace(kind)
}
