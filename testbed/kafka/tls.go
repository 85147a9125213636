// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TLS says how nodes prove themselves, and whom they take.
type TLS struct {
	// KeyFile holds a node's private key and certificate, PEM.
	KeyFile string
	// CAFile holds the authorities of client certificates, PEM.
	CAFile string
	// PlainUsers are the names and passwords that SASL/PLAIN takes. Those of SCRAM
	// are made by SetPassword.
	PlainUsers map[string]string
	// JWKSFile holds the keys of the tokens that SASL/OAUTHBEARER takes, with this
	// audience and issuer. Without it none is taken.
	JWKSFile, Audience, Issuer string
}

// Names of the listeners.
const (
	listenerSASL        = "SASLTLS"
	listenerCertificate = "CERTIFICATE"
)

// properties adds what the listeners need to a server.properties.
func (t *TLS) properties(p map[string]string) {
	p["ssl.keystore.type"], p["ssl.keystore.location"] = "PEM", t.KeyFile
	p["ssl.truststore.type"], p["ssl.truststore.location"] = "PEM", t.CAFile
	p["listener.name.certificate.ssl.client.auth"] = "required"

	const sasl = "listener.name.sasltls."
	mechanisms := []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
	plain := `org.apache.kafka.common.security.plain.PlainLoginModule required`
	for _, name := range slices.Sorted(maps.Keys(t.PlainUsers)) {
		plain += fmt.Sprintf(" user_%s=%q", name, t.PlainUsers[name])
	}
	p[sasl+"plain.sasl.jaas.config"] = plain + ";"
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		p[sasl+mechanism+".sasl.jaas.config"] = `org.apache.kafka.common.security.scram.ScramLoginModule required;`
	}
	if t.JWKSFile != "" {
		mechanisms = append(mechanisms, "OAUTHBEARER")
		const oauth = sasl + "oauthbearer."
		p[oauth+"sasl.jaas.config"] = `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;`
		p[oauth+"sasl.server.callback.handler.class"] = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
		p[oauth+"sasl.oauthbearer.jwks.endpoint.url"] = "file://" + t.JWKSFile
		p[oauth+"sasl.oauthbearer.expected.audience"] = t.Audience
		p[oauth+"sasl.oauthbearer.expected.issuer"] = t.Issuer
	}
	p[sasl+"sasl.enabled.mechanisms"] = strings.Join(mechanisms, ",")
}

// jvm are the arguments that a node's JVM needs for this; t may be nil.
func (t *TLS) jvm() []string {
	if t == nil || t.JWKSFile == "" {
		return nil
	}
	return []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://" + t.JWKSFile}
}

// SetPassword makes a user for both kinds of SCRAM, or gives it another password.
func (c *Cluster) SetPassword(ctx context.Context, user, password string) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // a user may be in one request once
		answers, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: user, Mechanism: mechanism, Iterations: 4096, Password: password}})
		if err := errors.Join(err, answers.Error()); err != nil {
			return err
		}
	}
	return nil
}
