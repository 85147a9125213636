// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"fmt"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

func TestPasswordsAreNotMarshalled(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	whole := map[string]component.Config{"feedbackkafka": cfg}
	cfg.Authentication.SASL = saslOf("PLAIN", "alice", "s3cret-pass")
	conf := confmap.New()
	require.NoError(t, conf.Marshal(whole))
	assert.Equal(t, "[REDACTED]", conf.Get("feedbackkafka::auth::sasl::password"))
	assert.Equal(t, "alice", conf.Get("feedbackkafka::auth::sasl::username"))
	assert.Equal(t, "feedback-events", conf.Get("feedbackkafka::topics::events"))
	assert.Equal(t, []any{"localhost:9092"}, conf.Get("feedbackkafka::brokers"))
	assert.NotContains(t, fmt.Sprint(conf.ToStringMap()), "s3cret-pass")

	cfg.Authentication.SASL = nil
	cfg.Authentication.PlainText = &configkafka.PlainTextConfig{Username: "alice", Password: "s3cret-pass"}
	conf = confmap.New()
	require.NoError(t, conf.Marshal(whole))
	assert.Equal(t, "[REDACTED]", conf.Get("feedbackkafka::auth::plain_text::password"))
	assert.Equal(t, "s3cret-pass", cfg.Authentication.PlainText.Password)

	// What is printed of a configuration without passwords can be read again.
	cfg.Authentication.PlainText = nil
	conf = confmap.New()
	require.NoError(t, conf.Marshal(whole))
	sub, err := conf.Sub("feedbackkafka")
	require.NoError(t, err)
	again := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(again))
	assert.Equal(t, cfg, again)
}
