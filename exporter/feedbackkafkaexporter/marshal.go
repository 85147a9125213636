// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
)

var _ confmap.Marshaler = Config{}

// Marshal implements confmap.Marshaler, which is how a configuration is printed
// and given to extensions. configkafka keeps passwords as plain strings. The encoder
// looks for the method at the value.
func (c Config) Marshal(conf *confmap.Conf) error {
	type plain Config // without this method
	if err := conf.Marshal(plain(c)); err != nil {
		return err
	}
	redacted := map[string]any{}
	hide := func(key, password string) error {
		if password == "" {
			return nil
		}
		text, err := configopaque.String(password).MarshalText()
		redacted[key] = string(text)
		return err
	}
	if s := c.Authentication.SASL; s != nil {
		if err := hide("auth::sasl::password", s.Password); err != nil {
			return err
		}
	}
	if p := c.Authentication.PlainText; p != nil {
		if err := hide("auth::plain_text::password", p.Password); err != nil {
			return err
		}
	}
	return conf.Merge(confmap.NewFromStringMap(redacted))
}
