// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func parse(t *testing.T, env map[string]string, args ...string) (*Flags, *pflag.FlagSet) {
	t.Helper()
	var f Flags
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Register(fs, func(name string) string { return env[name] })
	require.NoError(t, fs.Parse(args))
	return &f, fs
}

func TestBrokers(t *testing.T) {
	f, _ := parse(t, nil)
	assert.Equal(t, []string{"localhost:9092"}, f.Brokers)
	f, _ = parse(t, map[string]string{EnvBrokers: "a:1, b:2"})
	_, err := f.Options()
	require.NoError(t, err)
	assert.Equal(t, []string{"a:1", "b:2"}, f.Brokers)
	f, _ = parse(t, map[string]string{EnvBrokers: "a:1"}, "--brokers", "c:3,d:4")
	assert.Equal(t, []string{"c:3", "d:4"}, f.Brokers)
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "u", "secret"))
		require.NoError(t, err)
		defer c.Close()
		file := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(file, []byte("secret\n"), 0o600))

		env := map[string]string{
			EnvBrokers: c.ListenAddrs()[0], envSASLMechanism: mechanism,
			envSASLUsername: "u", envSASLPassword: "secret",
		}
		byEnv, fs := parse(t, env)
		assert.NotContains(t, fs.FlagUsages(), "secret")
		byFlags, _ := parse(t, nil, "--brokers", c.ListenAddrs()[0], "--sasl-mechanism", mechanism,
			"--sasl-username", "u", "--sasl-password-file", file)
		for _, f := range []*Flags{byEnv, byFlags} {
			opts, err := f.Options()
			require.NoError(t, err)
			cl, err := kgo.NewClient(append(opts, kgo.RetryTimeout(5*time.Second))...)
			require.NoError(t, err)
			require.NoError(t, cl.Ping(t.Context()), mechanism)
			cl.Close()
		}
	}
}

func TestDefaultMechanism(t *testing.T) {
	f, _ := parse(t, map[string]string{envSASLUsername: "u", envSASLPassword: "p"})
	m, err := f.sasl()
	require.NoError(t, err)
	assert.Equal(t, "SCRAM-SHA-512", m.Name())
}

func TestTLS(t *testing.T) {
	plainOpts, err := func() ([]kgo.Opt, error) { f, _ := parse(t, nil); return f.Options() }()
	require.NoError(t, err)
	f, _ := parse(t, nil, "--tls")
	tlsOpts, err := f.Options()
	require.NoError(t, err)
	assert.Len(t, tlsOpts, len(plainOpts)+1)
}

func TestErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"--brokers: name at least one":      {"--brokers", ""},
		"--brokers: a name between commas":  {"--brokers", "a:1,,b:2"},
		"--tls-ca: open nowhere":            {"--tls-ca", "nowhere"},
		"--sasl-username needs":             {"--sasl-username", "u"},
		"--sasl-password-file: open":        {"--sasl-username", "u", "--sasl-password-file", "nowhere"},
		`--sasl-mechanism "MD5": use PLAIN`: {"--sasl-username", "u", "--sasl-password-file", "flags.go", "--sasl-mechanism", "MD5"},
	} {
		f, _ := parse(t, nil, args...)
		_, err := f.Options()
		require.ErrorContains(t, err, want)
	}
}

func TestTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	env := map[string]string{envSASLUsername: "u", envSASLPassword: "secret"}
	f, _ := parse(t, env, "--sasl-token-file", file)
	_, err := f.Options()
	require.ErrorContains(t, err, "--sasl-token-file")
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = f.Options()
	require.ErrorContains(t, err, "is empty")

	require.NoError(t, os.WriteFile(file, []byte("a.b.c\n"), 0o600))
	mechanism, err := f.bearer()
	require.NoError(t, err)
	assert.Equal(t, "OAUTHBEARER", mechanism.Name())
	_, first, err := mechanism.Authenticate(t.Context(), "broker")
	require.NoError(t, err)
	assert.Contains(t, string(first), "auth=Bearer a.b.c\x01")
	require.NoError(t, os.WriteFile(file, []byte("d.e.f"), 0o600))
	_, first, err = mechanism.Authenticate(t.Context(), "broker")
	require.NoError(t, err)
	assert.Contains(t, string(first), "auth=Bearer d.e.f\x01")
}
