// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/plugin/kzap"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	mechanismPlain       = "PLAIN"
	mechanismScram256    = "SCRAM-SHA-256"
	mechanismScram512    = "SCRAM-SHA-512"
	mechanismOAuthBearer = "OAUTHBEARER"
	mechanismAWS         = "AWS_MSK_IAM_OAUTHBEARER"
)

// newClient builds the idempotent producer of delivery. It connects lazily: an error here
// is one of configuration. batchLimit is the largest batch of a topic.
func newClient(
	ctx context.Context,
	host component.Host,
	cfg *Config,
	logger *zap.Logger,
	batchLimit func(topic string) int32,
	hooks ...kgo.Hook,
) (*kgo.Client, error) {
	opts, err := clientOpts(ctx, host, cfg, logger, batchLimit, hooks...)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts,
		kgo.RecordPartitioner(kgo.ManualPartitioner()), // delivery's lanes are the partitions
		// Delivery keeps within the limits of the configuration itself; these are
		// wider, so that handing a record over never blocks it.
		kgo.MaxBufferedRecords(2*cfg.Producer.FlushMaxMessages),
		kgo.MaxBufferedBytes(2*cfg.MaxBufferedBytes),
		kgo.ProducerLinger(handOver), // delivery ends it
	)...)
}

// clientOpts are the options of every client that writes.
func clientOpts(
	ctx context.Context,
	host component.Host,
	cfg *Config,
	logger *zap.Logger,
	batchLimit func(topic string) int32,
	hooks ...kgo.Hook,
) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.WithLogger(advisor{kzap.New(clientLogger(logger), kzap.Level(kgo.LogLevelError))}),
		kgo.DisableClientMetrics(), // brokers may offer them without serving them
		kgo.WithHooks(hooks...),
		kgo.RetryBackoffFn(backoff),

		kgo.RequiredAcks(kgo.AllISRAcks()), // with it the writes are idempotent and ordered, 5 in flight per broker
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchCompression(codec(cfg.Producer)),
		kgo.ProducerLinger(cfg.clientLinger()),
		kgo.ProducerBatchMaxBytesFn(batchLimit),
		kgo.BrokerMaxWriteBytes(int32(cfg.Producer.MaxBrokerWriteBytes)),
		kgo.MaxBufferedRecords(cfg.Producer.FlushMaxMessages),
		kgo.MaxBufferedBytes(cfg.MaxBufferedBytes),
		// A record has no delivery time-out and unlimited tries, which is the
		// client's default, and neither does a missing topic end them.
		kgo.UnknownTopicRetries(-1),
	}
	if cfg.Producer.AllowAutoTopicCreation && !cfg.CreateTopics {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	if cfg.ClientID != "" {
		opts = append(opts, kgo.ClientID(cfg.ClientID))
	}
	if cfg.RackID != "" {
		opts = append(opts, kgo.Rack(cfg.RackID))
	}
	if cfg.Metadata.RefreshInterval > 0 {
		opts = append(opts, kgo.MetadataMaxAge(cfg.Metadata.RefreshInterval))
	}
	if cfg.ConnIdleTimeout > 0 {
		opts = append(opts, kgo.ConnIdleTimeout(cfg.ConnIdleTimeout))
	}
	if cfg.ProtocolVersion != "" {
		v := kversion.FromString(cfg.ProtocolVersion)
		opts = append(opts, kgo.MinVersions(v), kgo.MaxVersions(v))
	}
	security, err := securityOpts(ctx, host, &cfg.ClientConfig)
	if err != nil {
		return nil, err
	}
	return append(opts, security...), nil
}

// clientLogger is for the client, which repeats itself at every try while a broker
// is away or refuses us: the health watch says that once, with the cause. Here an
// error is said once a minute, without the stack of the client.
func clientLogger(logger *zap.Logger) *zap.Logger {
	return logger.Named("kgo").WithOptions(zap.AddStacktrace(zapcore.FatalLevel), zap.IncreaseLevel(zapcore.ErrorLevel), zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Minute, 1, 0)
	}))
}

// advisor has what the client says of connections that cannot be used, which it
// says before the health watch can, say what to do.
type advisor struct{ kgo.Logger }

// advised are the client's words for such connections.
var advised = []string{"unable to initialize sasl", "unable to request api versions"}

func (a advisor) Log(level kgo.LogLevel, message string, fields ...any) {
	if slices.Contains(advised, message) {
		for _, f := range fields {
			if err, ok := f.(error); ok {
				fields = append(fields, "advice", adviseConnection(err))
				break
			}
		}
	}
	a.Logger.Log(level, message, fields...)
}

func securityOpts(ctx context.Context, host component.Host, cfg *configkafka.ClientConfig) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	tlsSettings := cfg.TLS
	if tlsSettings == nil {
		tlsSettings = cfg.Authentication.TLS
	}
	if tlsSettings != nil {
		tlsConfig, err := tlsSettings.LoadTLSConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		if tlsConfig != nil {
			opts = append(opts, kgo.DialTLSConfig(tlsConfig))
		}
	}
	mechanism, err := saslMechanism(host, &cfg.Authentication)
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func saslMechanism(host component.Host, cfg *configkafka.AuthenticationConfig) (sasl.Mechanism, error) {
	if p := cfg.PlainText; p != nil {
		return plain.Auth{User: p.Username, Pass: p.Password}.AsMechanism(), nil
	}
	s := cfg.SASL
	if s == nil {
		return nil, nil
	}
	switch s.Mechanism {
	case mechanismPlain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism(), nil
	case mechanismScram256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism(), nil
	case mechanismScram512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism(), nil
	case mechanismOAuthBearer:
		source, ok := host.GetExtensions()[s.OAuthBearerTokenSource].(tokenSource)
		if !ok {
			return nil, fmt.Errorf("auth::sasl::oauthbearer_token_source: no extension %q that gives out tokens", s.OAuthBearerTokenSource)
		}
		return newBearer(source), nil
	default:
		return nil, fmt.Errorf("auth::sasl::mechanism: %q is not supported", s.Mechanism)
	}
}

// principal is whom the brokers see, for the messages an operator reads.
func principal(cfg *configkafka.ClientConfig) string {
	switch a := &cfg.Authentication; {
	case a.PlainText != nil:
		return "User:" + a.PlainText.Username
	case a.SASL != nil && a.SASL.Mechanism == mechanismOAuthBearer:
		return "the subject of the OAuth token"
	case a.SASL != nil:
		return "User:" + a.SASL.Username
	case cfg.TLS != nil && (cfg.TLS.CertFile != "" || cfg.TLS.CertPem != ""):
		return "the subject of the client certificate"
	default:
		return "User:ANONYMOUS"
	}
}

func codec(cfg configkafka.ProducerConfig) kgo.CompressionCodec {
	var c kgo.CompressionCodec
	switch cfg.Compression {
	case "gzip":
		c = kgo.GzipCompression()
	case "snappy":
		c = kgo.SnappyCompression()
	case "lz4":
		c = kgo.Lz4Compression()
	case "zstd":
		c = kgo.ZstdCompression()
	default:
		return kgo.NoCompression()
	}
	if l := cfg.CompressionParams.Level; l != 0 && l != configcompression.DefaultCompressionLevel {
		c = c.WithLevel(int(l))
	}
	return c
}

const (
	backoffInitial = time.Second
	backoffMax     = 30 * time.Second
)

// backoff is the wait before the next try after a number of failed ones: 1 s,
// doubled up to 30 s, less up to a fifth so that instances do not come together.
func backoff(failures int) time.Duration {
	d := backoffMax
	if failures < 6 {
		d = min(d, backoffInitial<<max(failures-1, 0))
	}
	return d - rand.N(d/5)
}
