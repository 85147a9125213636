// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// Bounds of what may be configured; they keep a typing error from taking all
// memory.
const (
	maxPartitions      = 256
	maxPartitionMiBMax = 1024
)

// Config of the embedded broker.
type Config struct {
	// Endpoint is the host:port that the broker listens on, and the address it
	// gives to clients. Port 0 takes a free one. Default: localhost:9092.
	Endpoint string `mapstructure:"endpoint"`

	// AdvertisedEndpoint is the host:port that clients are told to connect to. It
	// is needed only where they cannot reach endpoint as it is written, for
	// example from outside a container. Default: endpoint, with localhost in place
	// of an unspecified address such as 0.0.0.0.
	AdvertisedEndpoint string `mapstructure:"advertised_endpoint"`

	// Topics exist from the start; others are made when a client asks for them.
	// Default: feedback-events with 12 partitions and feedback-events-dlq with 3.
	Topics []TopicConfig `mapstructure:"topics"`

	// Directory keeps topics, records and consumer offsets over a restart. It is
	// made if it does not exist and belongs to one broker at a time. Default:
	// none, everything is in memory and gone at the end.
	Directory string `mapstructure:"directory"`

	// MaxPartitionMiB is how much one partition keeps, compressed as received;
	// beyond that the oldest records go, checked every few seconds. Unit: MiB.
	// Bounds: 1 to 1024. Default: 8.
	MaxPartitionMiB int `mapstructure:"max_partition_mib"`
}

// TopicConfig describes a topic.
type TopicConfig struct {
	// Name is a legal Kafka topic name: 1 to 249 letters, digits and . _ -.
	// Required.
	Name string `mapstructure:"name"`
	// Partitions is how many it has. A topic that is already in directory keeps
	// the number it was made with. Unit: partitions. Bounds: 1 to 256. Required.
	Partitions int32 `mapstructure:"partitions"`
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)

	legalTopic = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
)

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	errs := []error{checkAddress("endpoint", c.Endpoint)}
	if c.AdvertisedEndpoint != "" {
		errs = append(errs, checkAddress("advertised_endpoint", c.AdvertisedEndpoint))
		if host, port, err := net.SplitHostPort(c.AdvertisedEndpoint); err == nil {
			if host == "" || port == "0" {
				errs = append(errs, errors.New("advertised_endpoint: needs a host and a port other than 0, clients connect to it"))
			}
		}
	}
	if c.MaxPartitionMiB < 1 || c.MaxPartitionMiB > maxPartitionMiBMax {
		errs = append(errs, fmt.Errorf("max_partition_mib: must lie between 1 and %d", maxPartitionMiBMax))
	}
	return errors.Join(append(errs, c.checkTopics()...)...)
}

func (c *Config) checkTopics() []error {
	var errs []error
	// Kafka keeps metrics by names in which the dot is an underscore, so it
	// refuses names that differ in nothing else.
	seen := map[string]bool{}
	for i, t := range c.Topics {
		switch normal := strings.ReplaceAll(t.Name, ".", "_"); {
		case !legalTopic.MatchString(t.Name) || t.Name == "." || t.Name == "..":
			errs = append(errs, fmt.Errorf("topics[%d]::name: must be 1 to 249 of the characters A-Z a-z 0-9 . _ -", i))
		case seen[normal]:
			errs = append(errs, fmt.Errorf("topics[%d]::name: %q is listed twice (. and _ count as the same)", i, t.Name))
		default:
			seen[normal] = true
		}
		if t.Partitions < 1 || t.Partitions > maxPartitions {
			errs = append(errs, fmt.Errorf("topics[%d]::partitions: must lie between 1 and %d", i, maxPartitions))
		}
	}
	return errs
}

func checkAddress(key, address string) error {
	if address == "" {
		return fmt.Errorf("%s: must be set to host:port", key)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s: %q is not host:port", key, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s: the port of %q must be a number from 0 to 65535", key, address)
	}
	return nil
}
