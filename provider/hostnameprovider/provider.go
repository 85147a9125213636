// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package hostnameprovider resolves ${hostname:} in a configuration to this
// machine's host name: the default of service.instance.id. A shell rarely
// exports HOSTNAME, so the env provider cannot be relied on for it.
package hostnameprovider // import "github.com/otelcol-feedback/otelcol-feedback/provider/hostnameprovider"

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/confmap"
)

const scheme = "hostname"

type provider struct{}

// NewFactory returns a factory of the provider with the scheme "hostname". Its
// URI is "hostname:", with nothing behind the colon.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{} })
}

// Retrieve implements confmap.Provider.
func (provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	if uri != scheme+":" {
		return nil, fmt.Errorf("%q: expected ${hostname:} with nothing behind the colon", uri)
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML([]byte(name))
}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return scheme }

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
