// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package kafka makes Kafka clients from command line flags and the
// environment variables that the collector's configurations use.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tlsflags"
)

// The environment variables.
const (
	EnvBrokers       = "COLLECTOR_KAFKA__BROKERS"
	EnvTopic         = "COLLECTOR_KAFKA__TOPIC"
	envSASLMechanism = "COLLECTOR_KAFKA__SASL_MECHANISM"
	envSASLUsername  = "COLLECTOR_KAFKA__SASL_USERNAME"
	envSASLPassword  = "COLLECTOR_KAFKA__SASL_PASSWORD"
	envCA            = "COLLECTOR_KAFKA__SSL_CA_LOCATION"

	defaultBrokers   = "localhost:9092"
	defaultMechanism = "SCRAM-SHA-512"
)

// Flags say how to reach Kafka.
type Flags struct {
	Brokers      []string
	tls          tlsflags.Flags
	useTLS       bool
	mechanism    string
	username     string
	passwordFile string
	tokenFile    string
	getenv       func(string) string
}

// Register adds the flags to fs.
func (f *Flags) Register(fs *pflag.FlagSet, getenv func(string) string) {
	f.getenv = getenv
	or := func(name, otherwise string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	fs.StringSliceVar(&f.Brokers, "brokers", strings.Split(or(EnvBrokers, defaultBrokers), ","),
		"Kafka brokers, host:port, comma-separated ($"+EnvBrokers+")")
	fs.BoolVar(&f.useTLS, "tls", false, "encrypt, with the system's certificate authorities")
	f.tls.Register(fs, getenv(envCA), " ($"+envCA+")")
	fs.StringVar(&f.mechanism, "sasl-mechanism", or(envSASLMechanism, defaultMechanism),
		"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, where a user name is given ($"+envSASLMechanism+")")
	fs.StringVar(&f.username, "sasl-username", getenv(envSASLUsername),
		"user name; without one there is no SASL ($"+envSASLUsername+")")
	fs.StringVar(&f.passwordFile, "sasl-password-file", "",
		"file with the password; without it, $"+envSASLPassword)
	fs.StringVar(&f.tokenFile, "sasl-token-file", "",
		"file with an OAuth token (OAUTHBEARER) instead of a user name; it is read again for each connection")
}

// Options returns the options of a client.
func (f *Flags) Options() ([]kgo.Opt, error) {
	if len(f.Brokers) == 0 {
		return nil, errors.New("--brokers: name at least one")
	}
	for i, b := range f.Brokers {
		if f.Brokers[i] = strings.TrimSpace(b); f.Brokers[i] == "" {
			return nil, errors.New("--brokers: a name between commas is empty")
		}
	}
	opts := []kgo.Opt{kgo.ClientID("feedbackctl"), kgo.SeedBrokers(f.Brokers...)}
	if f.useTLS || f.tls.Set() {
		c, err := f.tls.Config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(c))
	}
	if f.tokenFile != "" {
		mechanism, err := f.bearer()
		if err != nil {
			return nil, err
		}
		return append(opts, kgo.SASL(mechanism)), nil
	}
	if f.username == "" {
		return opts, nil
	}
	mechanism, err := f.sasl()
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.SASL(mechanism)), nil
}

// bearer reads the token once to tell of a file that is not there.
func (f *Flags) bearer() (sasl.Mechanism, error) {
	read := func(context.Context) (oauth.Auth, error) {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("--sasl-token-file: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if token == "" {
			return oauth.Auth{}, fmt.Errorf("--sasl-token-file: %s is empty", f.tokenFile)
		}
		return oauth.Auth{Token: token}, nil
	}
	if _, err := read(context.Background()); err != nil {
		return nil, err
	}
	return oauth.Oauth(read), nil
}

func (f *Flags) sasl() (sasl.Mechanism, error) {
	password := f.getenv(envSASLPassword)
	if f.passwordFile != "" {
		text, err := os.ReadFile(f.passwordFile)
		if err != nil {
			return nil, fmt.Errorf("--sasl-password-file: %w", err)
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	if password == "" {
		return nil, fmt.Errorf("--sasl-username needs --sasl-password-file or $%s", envSASLPassword)
	}
	switch strings.ToUpper(f.mechanism) {
	case "PLAIN":
		return plain.Auth{User: f.username, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: f.username, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: f.username, Pass: password}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("--sasl-mechanism %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", f.mechanism)
	}
}
