// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Acknowledge is the moment at which ConsumeLogs returns.
type Acknowledge string

const (
	// AcknowledgeBuffered returns as soon as the records are in the bounded buffer.
	AcknowledgeBuffered Acknowledge = "buffered"
	// AcknowledgeDelivered returns when the fate of each record is known.
	AcknowledgeDelivered Acknowledge = "delivered"
)

const (
	defaultMaxMessageBytes  = 1<<20 + 64<<10 // one event of 1 MiB, its headers and what redaction may add
	defaultMaxBufferedBytes = 32 << 20
	defaultLinger           = 10 * time.Millisecond

	defaultMaxBufferedRecords = 1 << 20

	// gzipLevel takes half of the processor time of the library's own level, for an
	// eighth more bytes in batches of 100 (docs/performance.md).
	gzipLevel = 1

	minMessageBytes = 4 << 10   // below, not even a dead letter without its original fits
	maxMessageBytes = 1 << 30   // the client's own limit of a batch
	maxLinger       = time.Hour // above, it is a mistake
	minSpoolMiB     = 8         // room for the largest dead letter, twice
	minSpoolAfter   = 100 * time.Millisecond
	maxSpoolAfter   = time.Hour
)

// Config is the configuration of the exporter. The keys of the client and of
// producer are those of the stock Kafka exporter.
type Config struct {
	// ClientConfig says where the brokers are and how to talk to them.
	//
	//   - brokers: brokers are asked first where the others are, as host:port; also
	//     one string with commas.
	//   - client_id: client_id is the name by which brokers know this client.
	//   - conn_idle_timeout: conn_idle_timeout is how long an idle connection stays
	//     open. Bounds: more than 0.
	//   - auth::sasl::mechanism: mechanism is how the user is known. One of: PLAIN,
	//     SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER.
	//   - auth::kerberos: Not supported: use sasl, or tls with a client certificate.
	configkafka.ClientConfig `mapstructure:",squash"`

	// Producer is how records are written.
	//
	//   - max_message_bytes: max_message_bytes bounds one record and one batch of
	//     records, uncompressed. Unit: bytes. Bounds: at least 4096, at most
	//     max_broker_write_bytes.
	//   - max_broker_write_bytes: max_broker_write_bytes bounds one request to a
	//     broker. Unit: bytes. Bounds: 104857600 to 2147483647.
	//   - required_acks: required_acks is always all, which -1 stands for too:
	//     otherwise an acknowledged event could be lost. One of: all, -1.
	//   - compression: compression is the codec of batches. One of: none, gzip,
	//     snappy, lz4, zstd.
	//   - compression_params::level: level is how hard the codec tries: gzip 1 to 9,
	//     zstd 1, 3, 6 or 11; 0 is the codec's own. With another codec than gzip it
	//     is 0 unless it is set.
	//   - flush_max_messages: flush_max_messages bounds the records that the Kafka
	//     client holds. Unit: records. Bounds: 1 to 1073741824.
	//   - linger: linger is how long a record waits for others of its batch; with
	//     acknowledge delivered it is 0s unless it is set. Bounds: 0 to 1h.
	Producer configkafka.ProducerConfig `mapstructure:"producer"`

	// Topics says which topic an event goes to.
	Topics TopicsConfig `mapstructure:"topics"`

	// CreateTopics creates topics, the dead-letter topic included, that are missing,
	// at start and whenever one is found missing. Default: false.
	CreateTopics bool `mapstructure:"create_topics"`

	// Acknowledge is when a sender gets its answer: when its events are in the
	// bounded buffer, or when the fate of each is known. One of: buffered,
	// delivered. Default: buffered.
	Acknowledge Acknowledge `mapstructure:"acknowledge"`

	// DeadLetter is where events go that Kafka or validation will never take.
	DeadLetter DeadLetterConfig `mapstructure:"dead_letter"`

	// MaxBufferedBytes bounds the bytes of keys, values and headers that the Kafka
	// client holds; it is no less than producer::max_message_bytes. Unit: bytes.
	// Bounds: at least 4194304. Default: 33554432.
	MaxBufferedBytes int `mapstructure:"max_buffered_bytes"`

	// Transactions has events written exactly once. It needs acknowledge delivered
	// and a spool. Default: none.
	Transactions *TransactionsConfig `mapstructure:"transactions"`

	// Spool is the fallback storage on disk while Kafka does not take events.
	Spool SpoolConfig `mapstructure:"spool"`

	// SpoolAfter is how long Kafka may leave the events of a partition without any
	// answer before the spool takes it over; below enqueue_timeout of the
	// feedbackruntime extension. It means nothing without a spool. Bounds: 100ms to
	// 1h. Default: 3s.
	SpoolAfter time.Duration `mapstructure:"spool_after"`

	// CircuitBreaker leaves a cluster alone that cannot be reached, and sends
	// events straight to the spool. Without a spool it only shows its state.
	CircuitBreaker CircuitBreakerConfig `mapstructure:"circuit_breaker"`

	// Batching has what is handed to Kafka at once follow how fast Kafka answers.
	Batching BatchingConfig `mapstructure:"batching"`
}

// CircuitBreakerConfig says when the cluster counts as lost, and as found again.
type CircuitBreakerConfig struct {
	// Enabled switches it on. Default: true.
	Enabled bool `mapstructure:"enabled"`
	// FailureThreshold is how many failures to reach the cluster, one after the
	// other, open it. Unit: failures. Bounds: 1 to 2147483647. Default: 5.
	FailureThreshold int `mapstructure:"failure_threshold"`
	// SuccessThreshold is how many probes, one after the other, close it. Unit:
	// probes. Bounds: 1 to 2147483647. Default: 2.
	SuccessThreshold int `mapstructure:"success_threshold"`
	// Timeout is how long it stays open before the cluster is probed. Bounds: 1s
	// to 24h. Default: 30s.
	Timeout time.Duration `mapstructure:"timeout"`
}

// SpoolConfig is where events are stored that Kafka does not take at present.
type SpoolConfig struct {
	// Directory is where its files are; this process alone may have it. Default:
	// none, there is no spool, and senders are asked to come again.
	Directory string `mapstructure:"directory"`
	// MaxSizeMiB bounds the bytes on disk. When it is full senders are asked to
	// come again. Unit: MiB. Bounds: at least 8. Default: 1024.
	MaxSizeMiB int `mapstructure:"max_size_mib"`
	// Fsync has an acknowledgement wait until the disk has the event; if false a
	// crash of the machine, not of the process, may lose some. Default: true.
	Fsync bool `mapstructure:"fsync"`
	// DrainRate bounds how many stored events are sent when Kafka is back; 0 means
	// no bound. Unit: events per second. Bounds: at least 0. Default: 20000.
	DrainRate int `mapstructure:"drain_rate"`
}

// TopicsConfig says which topic an event goes to.
type TopicsConfig struct {
	// Events is the topic of all events that ByType does not name. Default:
	// feedback-events.
	Events string `mapstructure:"events"`
	// ByType maps an event type to a topic of its own. Names: user_feedback,
	// performance_metrics, model_response, system_health, experiment_result.
	// Default: none.
	ByType map[string]string `mapstructure:"by_type"`
	// Partitions is the number of partitions of an event topic that the exporter
	// creates. Unit: partitions. Bounds: at least 1. Default: 12.
	Partitions int32 `mapstructure:"partitions"`
	// ReplicationFactor is that of every topic the exporter creates; at least 1,
	// or -1, which leaves it to the broker. Unit: copies. Bounds: at least -1.
	// Default: -1.
	ReplicationFactor int16 `mapstructure:"replication_factor"`
}

// DeadLetterConfig is where events go that Kafka or validation will never take.
type DeadLetterConfig struct {
	// Enabled writes them to topic. If false, such an event is logged by its id,
	// counted and lost. Default: true.
	Enabled bool `mapstructure:"enabled"`
	// Topic is the dead-letter topic. Default: feedback-events-dlq.
	Topic string `mapstructure:"topic"`
	// Partitions is the number of partitions if the exporter creates it. Unit:
	// partitions. Bounds: at least 1. Default: 3.
	Partitions int32 `mapstructure:"partitions"`
}

// foreignKeys are exporterhelper's, which a reader of other exporters'
// configurations would expect to work here.
var foreignKeys = map[string]string{
	"sending_queue":    "its consumers and batcher reorder the events of one key; the exporter has a buffer of its own, bounded by the feedbackruntime extension",
	"retry_on_failure": "retrying whole batches reorders the events of one key; every record is retried on its own, without end",
	"timeout":          "a record is not given up after a time; how long a request waits is enqueue_timeout of the feedbackruntime extension",
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func createDefaultConfig() component.Config {
	client := configkafka.NewDefaultClientConfig()
	client.ClientID = "otelcol-feedback"
	producer := configkafka.NewDefaultProducerConfig()
	producer.RequiredAcks = configkafka.WaitForAll
	producer.Compression = "gzip"
	producer.CompressionParams.Level = gzipLevel
	producer.MaxMessageBytes = defaultMaxMessageBytes
	producer.Linger = defaultLinger
	producer.FlushMaxMessages = defaultMaxBufferedRecords // the in-flight account is what bounds events
	return &Config{
		ClientConfig: client,
		Producer:     producer,
		Topics: TopicsConfig{
			Events:            "feedback-events",
			Partitions:        12,
			ReplicationFactor: -1,
		},
		Acknowledge: AcknowledgeBuffered,
		DeadLetter: DeadLetterConfig{
			Enabled:    true,
			Topic:      "feedback-events-dlq",
			Partitions: 3,
		},
		MaxBufferedBytes: defaultMaxBufferedBytes,
		Spool:            SpoolConfig{MaxSizeMiB: 1024, Fsync: true, DrainRate: 20_000},
		SpoolAfter:       3 * time.Second,
		CircuitBreaker:   CircuitBreakerConfig{Enabled: true, FailureThreshold: 5, SuccessThreshold: 2, Timeout: 30 * time.Second},
		Batching:         BatchingConfig{Enabled: true, TargetLatency: defaultTargetLatency, MinRecords: defaultMinRecords, MaxRecords: maxTxnRecords},
	}
}

// Unmarshal implements confmap.Unmarshaler.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, key := range []string{"sending_queue", "retry_on_failure", "timeout"} {
		if conf.IsSet(key) {
			return fmt.Errorf("%s: not a setting of this exporter: %s", key, foreignKeys[key])
		}
	}
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	c.Brokers = splitBrokers(c.Brokers)
	if c.Acknowledge == AcknowledgeDelivered && !conf.IsSet("producer::linger") {
		c.Producer.Linger = 0 // a caller is waiting
	}
	if c.Producer.Compression != "gzip" && !conf.IsSet("producer::compression_params::level") {
		c.Producer.CompressionParams.Level = 0 // the default is gzip's
	}
	return nil
}

// splitBrokers takes entries apart that hold several brokers: a list in one
// environment variable arrives as one string.
func splitBrokers(entries []string) []string {
	var out []string
	for _, e := range entries {
		for b := range strings.SplitSeq(e, ",") {
			if b = strings.TrimSpace(b); b != "" {
				out = append(out, b)
			}
		}
	}
	return out
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	for i, b := range c.Brokers {
		if strings.ContainsAny(b, " /@") {
			// Not repeated: as a URL it may hold a password.
			fail("brokers: expected host:port, entry %d is something else", i)
		}
	}
	switch c.Acknowledge {
	case AcknowledgeBuffered, AcknowledgeDelivered:
	default:
		fail("acknowledge: expected %q or %q, got %q", AcknowledgeBuffered, AcknowledgeDelivered, c.Acknowledge)
	}
	c.validateProducer(fail)
	c.validateAuth(fail)
	c.validateTopics(fail)
	if c.MaxBufferedBytes < maxDeadLetterBytes || c.MaxBufferedBytes < c.Producer.MaxMessageBytes {
		fail("max_buffered_bytes: must be at least %d and at least producer::max_message_bytes, got %d", maxDeadLetterBytes, c.MaxBufferedBytes)
	}
	c.validateSpool(fail)
	c.validateBatching(fail)
	c.validateTransactions(fail)
	return errors.Join(errs...)
}

func (c *Config) validateSpool(fail func(string, ...any)) {
	if n := c.Spool.MaxSizeMiB; n < minSpoolMiB || n > math.MaxInt64>>20 {
		fail("spool::max_size_mib: must be at least %d, got %d", minSpoolMiB, n)
	}
	if c.Spool.DrainRate < 0 {
		fail("spool::drain_rate: must not be negative, got %d", c.Spool.DrainRate)
	}
	if c.SpoolAfter < minSpoolAfter || c.SpoolAfter > maxSpoolAfter {
		fail("spool_after: must lie between %s and %s, got %s", minSpoolAfter, maxSpoolAfter, c.SpoolAfter)
	}
	b := &c.CircuitBreaker
	if b.FailureThreshold < 1 || b.FailureThreshold > math.MaxInt32 {
		fail("circuit_breaker::failure_threshold: must be at least 1, got %d", b.FailureThreshold)
	}
	if b.SuccessThreshold < 1 || b.SuccessThreshold > math.MaxInt32 {
		fail("circuit_breaker::success_threshold: must be at least 1, got %d", b.SuccessThreshold)
	}
	if b.Timeout < time.Second || b.Timeout > maxBreakerTimeout {
		fail("circuit_breaker::timeout: must lie between 1s and %s, got %s", maxBreakerTimeout, b.Timeout)
	}
}

func (c *Config) validateProducer(fail func(string, ...any)) {
	if c.Producer.RequiredAcks != configkafka.WaitForAll {
		fail("producer::required_acks: must be all (-1), or an acknowledged event could be lost; got %d", c.Producer.RequiredAcks)
	}
	if n := c.Producer.MaxMessageBytes; n < minMessageBytes || n > maxMessageBytes {
		fail("producer::max_message_bytes: must lie between %d and %d, got %d", minMessageBytes, maxMessageBytes, n)
	}
	if n := c.Producer.FlushMaxMessages; n < 1 || n > 1<<30 {
		fail("producer::flush_max_messages: must lie between 1 and %d, got %d", 1<<30, n)
	}
	if l := c.Producer.Linger; l < 0 || l > maxLinger {
		fail("producer::linger: must lie between 0 and %s, got %s", maxLinger, l)
	}
}

func (c *Config) validateAuth(fail func(string, ...any)) {
	if c.Authentication.Kerberos != nil {
		fail("auth::kerberos: not supported; use auth::sasl or tls with a client certificate")
	}
	if s := c.Authentication.SASL; s != nil && s.Mechanism == mechanismAWS {
		fail("auth::sasl::mechanism: %s is not supported; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", mechanismAWS)
	}
	if s := c.Authentication.SASL; s != nil && s.Mechanism != mechanismOAuthBearer {
		if s.Username == "" {
			fail("auth::sasl::username: must be set; config/secure.yaml takes it from COLLECTOR_KAFKA__SASL_USERNAME")
		}
		if s.Password == "" {
			fail("auth::sasl::password: must be set; config/secure.yaml takes it from COLLECTOR_KAFKA__SASL_PASSWORD")
		}
	}
	if c.Authentication.SASL != nil && c.Authentication.PlainText != nil {
		fail("auth: sasl and plain_text exclude each other")
	}
}

func (c *Config) validateTopics(fail func(string, ...any)) {
	check := func(key, name string) {
		if !topicName.MatchString(name) || name == "." || name == ".." {
			fail("%s: not the name of a Kafka topic: %q", key, name)
		}
		if c.DeadLetter.Enabled && name == c.DeadLetter.Topic {
			fail("%s: must differ from dead_letter::topic, got %q for both", key, name)
		}
	}
	check("topics::events", c.Topics.Events)
	for typ, name := range c.Topics.ByType {
		if !slices.Contains(eventTypes[:typeUnknown], typ) {
			fail("topics::by_type: %q is not an event type; expected one of %s", typ, strings.Join(eventTypes[:typeUnknown], ", "))
			continue
		}
		check("topics::by_type::"+typ, name)
	}
	if c.DeadLetter.Enabled && !topicName.MatchString(c.DeadLetter.Topic) {
		fail("dead_letter::topic: not the name of a Kafka topic: %q", c.DeadLetter.Topic)
	}
	if c.Topics.Partitions < 1 {
		fail("topics::partitions: must be at least 1, got %d", c.Topics.Partitions)
	}
	if c.DeadLetter.Partitions < 1 {
		fail("dead_letter::partitions: must be at least 1, got %d", c.DeadLetter.Partitions)
	}
	if r := c.Topics.ReplicationFactor; r < 1 && r != -1 {
		fail("topics::replication_factor: must be at least 1, or -1 for the broker's default, got %d", r)
	}
}

// mode is what the entries of the spool are bound to.
func (c *Config) mode() string {
	if c.Transactions != nil {
		return c.Transactions.mode()
	}
	return modeLanes
}

// modeLanes names the mode without transactions.
const modeLanes = "per-partition delivery"

// topicOf is the topic of an event type.
func (c *Config) topicOf(eventType string) string {
	if t, ok := c.Topics.ByType[eventType]; ok {
		return t
	}
	return c.Topics.Events
}

// The event types by the small number a record carries; the last stands for
// all others.
var eventTypes = [...]string{
	feedback.TypeUserFeedback,
	feedback.TypePerformanceMetrics,
	feedback.TypeModelResponse,
	feedback.TypeSystemHealth,
	feedback.TypeExperimentResult,
	feedback.TypeUnknown,
}

const typeUnknown = uint8(len(eventTypes) - 1)

func typeIndex(eventType string) uint8 {
	for i, t := range eventTypes[:typeUnknown] {
		if t == eventType {
			return uint8(i)
		}
	}
	return typeUnknown
}
