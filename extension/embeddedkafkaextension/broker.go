// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"
)

const (
	// maxMessageBytes is what the dead-letter topic needs (an event of the
	// largest size as a JSON string inside another), so every topic has it.
	maxMessageBytes = 4 << 20
	// autoPartitions is for topics that clients make without saying more.
	autoPartitions = 12
	// retentionInterval is how often old records are dropped.
	retentionInterval = 5 * time.Second
	// segmentsPerPartition: what is dropped is freed a segment at a time.
	segmentsPerPartition = 4
)

var _ extension.Extension = (*broker)(nil)

// broker is the extension: one kfake broker and the loop that bounds what it keeps.
type broker struct {
	cfg    *Config
	logger *zap.Logger

	listener *listener
	cluster  *kfake.Cluster
	lock     *dirLock
	cancel   context.CancelFunc
	loops    sync.WaitGroup
}

func newBroker(cfg *Config, logger *zap.Logger) *broker {
	return &broker{cfg: cfg, logger: logger}
}

// Start implements component.Component. Extensions start before pipelines, so
// the broker is there before an exporter looks for it.
func (b *broker) Start(ctx context.Context, _ component.Host) error {
	if err := b.start(ctx); err != nil {
		return errors.Join(err, b.Shutdown(ctx))
	}
	b.logger.Warn("EMBEDDED KAFKA BROKER: FOR DEVELOPMENT ONLY, NOT FOR PRODUCTION. "+
		"One broker, no replication, no authentication; the oldest records are dropped for space.",
		zap.String("endpoint", b.listener.advertised.String()),
		zap.Bool("survives_restart", b.cfg.Directory != ""),
		zap.String("directory", b.cfg.Directory),
		zap.Int("max_partition_mib", b.cfg.MaxPartitionMiB))
	if !b.listener.loopback() {
		b.logger.Warn("The embedded broker can be reached from other machines, and asks nobody for a password.",
			zap.String("endpoint", b.cfg.Endpoint))
	}
	return nil
}

func (b *broker) start(ctx context.Context) (err error) {
	if b.cfg.Directory != "" {
		if b.lock, err = lockDirectory(b.cfg.Directory); err != nil {
			return fmt.Errorf("directory: %w", err)
		}
	}
	if b.listener, err = listen(ctx, b.cfg); err != nil {
		return err
	}
	if b.cluster, err = kfake.NewCluster(b.options()...); err != nil {
		if b.cfg.Directory != "" {
			return fmt.Errorf("directory: the embedded broker cannot use %s; it may be deleted if nothing in it is needed: %w", b.cfg.Directory, err)
		}
		return fmt.Errorf("the embedded broker cannot start: %w", err)
	}
	if err := b.createTopics(); err != nil {
		return err
	}
	loopCtx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.loops.Go(func() { b.dropOld(loopCtx, b.cluster) })
	return nil
}

func (b *broker) options() []kfake.Opt {
	partitionBytes := b.cfg.MaxPartitionMiB << 20
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("otelcol-feedback-embedded"),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return b.listener, nil }),
		kfake.WithLogger(kfakeLogger{b.logger}),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(autoPartitions),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes":   strconv.Itoa(maxMessageBytes),
			"log.retention.bytes": strconv.Itoa(partitionBytes),
			"log.segment.bytes":   strconv.Itoa(partitionBytes / segmentsPerPartition),
		}),
	}
	if b.cfg.Directory != "" {
		opts = append(opts, kfake.DataDir(b.cfg.Directory))
	}
	return opts
}

// createTopics makes the configured topics that the directory did not hold.
func (b *broker) createTopics() error {
	for _, t := range b.cfg.Topics {
		err := b.cluster.CreateTopic(t.Name, t.Partitions, nil)
		if errors.Is(err, kerr.TopicAlreadyExists) {
			if have := len(b.cluster.PartitionInfos(t.Name)); have != int(t.Partitions) {
				b.logger.Warn("The topic in directory keeps its number of partitions.",
					zap.String("topic", t.Name), zap.Int("partitions", have), zap.Int32("configured", t.Partitions))
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("topics: %s: %w", t.Name, err)
		}
	}
	return nil
}

// dropOld bounds what partitions keep. kfake's own check runs by the hour and
// leaves out topics that clients made.
func (b *broker) dropOld(ctx context.Context, cluster *kfake.Cluster) {
	ticker := time.NewTicker(retentionInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			cluster.ApplyRetention()
		}
	}
}

// Shutdown implements component.Component. It is called after the pipelines
// have stopped, so nobody of this process still writes.
func (b *broker) Shutdown(ctx context.Context) error {
	if b.cancel != nil {
		b.cancel()
	}
	b.loops.Wait() // before Close: a closed cluster answers no ApplyRetention
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.close()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the embedded broker did not stop in time: %w", ctx.Err())
	}
}

// close stops the cluster and waits until each of its connections is closed,
// which is the last thing their goroutines do.
func (b *broker) close() {
	if b.cluster != nil {
		b.cluster.Close()
	}
	if b.listener != nil {
		_ = b.listener.Close() // the cluster, if there is one, has closed it already
		b.listener.open.Wait()
	}
	b.lock.release()
}

// kfakeLogger passes on what kfake calls warnings and errors; they are about
// its files and groups, never about records.
type kfakeLogger struct{ logger *zap.Logger }

// Logf implements kfake.Logger.
func (l kfakeLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.logger.Error(fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.logger.Warn(fmt.Sprintf(format, args...))
	}
}
