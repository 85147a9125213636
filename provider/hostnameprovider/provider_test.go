// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package hostnameprovider

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
)

func TestScheme(t *testing.T) {
	require.NoError(t, confmaptest.ValidateProviderScheme(NewFactory().Create(confmap.ProviderSettings{})))
}

func TestResolve(t *testing.T) {
	name, err := os.Hostname()
	require.NoError(t, err)
	for value, want := range map[string]string{
		"${hostname:}":                          name,
		"${env:NOT_SET_ANYWHERE:-${hostname:}}": name,
		"a-${hostname:}":                        "a-" + name,
	} {
		r, err := confmap.NewResolver(confmap.ResolverSettings{
			URIs:              []string{"yaml:id: " + value},
			ProviderFactories: []confmap.ProviderFactory{NewFactory(), yamlprovider.NewFactory(), envprovider.NewFactory()},
		})
		require.NoError(t, err)
		conf, err := r.Resolve(context.Background())
		require.NoError(t, err)
		assert.Equal(t, want, conf.Get("id"), value)
		require.NoError(t, r.Shutdown(context.Background()))
	}
}

func TestURIHasNothingElse(t *testing.T) {
	p := NewFactory().Create(confmap.ProviderSettings{})
	_, err := p.Retrieve(context.Background(), "hostname:x", nil)
	require.ErrorContains(t, err, "nothing behind the colon")
	require.NoError(t, p.Shutdown(context.Background()))
}
