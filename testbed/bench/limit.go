// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Limit is the least that takes events in over HTTP and puts them on Kafka: a
// bare net/http server that reads a body and answers 202, and a bare franz-go
// client that produces each line of it, with a key and four headers made
// beforehand, gzip and acks=all. It looks at nothing.
type Limit struct {
	// Listen is its address.
	Listen string `json:"listen"`
	// Brokers and Topic are where lines go.
	Brokers []string `json:"brokers"`
	Topic   string   `json:"topic"`
	// Waits makes it answer when Kafka has the lines, and linger not at all.
	Waits bool `json:"waits"`
}

const (
	limitKeys     = 1024
	limitLinger   = 10 * time.Millisecond // as the collector's default
	limitMaxBody  = 64 << 20
	limitPatience = 10 * time.Second
)

// Run serves until ctx ends, and then waits for what is on its way.
func (o *Limit) Run(ctx context.Context) error {
	linger := limitLinger
	if o.Waits {
		linger = 0
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Brokers...), kgo.DefaultProduceTopic(o.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerLinger(linger))
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return err
	}
	p := &producer{client: client, waits: o.Waits}
	for i := range p.keys {
		p.keys[i] = fmt.Appendf(nil, "session-%08d", i)
	}
	for _, name := range []string{"event_type", "event_id", "timestamp", "schema_version"} {
		p.headers = append(p.headers, kgo.RecordHeader{Key: name, Value: []byte("0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b")})
	}
	srv := &http.Server{Handler: p, ReadHeaderTimeout: limitPatience}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(l) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limitPatience)
	defer cancel()
	err = errors.Join(srv.Shutdown(ctx), client.Flush(ctx))
	if serveErr := <-stopped; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if n := p.failed.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d records were not taken", n))
	}
	return err
}

// producer is the handler.
type producer struct {
	client  *kgo.Client
	waits   bool
	keys    [limitKeys][]byte
	headers []kgo.RecordHeader
	next    atomic.Uint64
	failed  atomic.Int64
}

func (p *producer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 || r.ContentLength > limitMaxBody {
		w.WriteHeader(http.StatusLengthRequired)
		return
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var waiting sync.WaitGroup
	var failed atomic.Bool
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		promise := func(_ *kgo.Record, err error) {
			if err != nil {
				p.failed.Add(1)
			}
		}
		if p.waits {
			waiting.Add(1)
			promise = func(_ *kgo.Record, err error) {
				if err != nil {
					p.failed.Add(1)
					failed.Store(true)
				}
				waiting.Done()
			}
		}
		// Not the request's context: what was answered is not taken back.
		p.client.Produce(context.Background(), &kgo.Record{Key: p.keys[p.next.Add(1)%limitKeys], Value: line, Headers: p.headers}, promise)
	}
	waiting.Wait()
	if failed.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// RoundTrip is how long a record of so many bytes takes to be acknowledged by
// all replicas when it is sent alone: the median of so many.
func RoundTrip(ctx context.Context, brokers []string, topic string, size, count int) (time.Duration, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerLinger(0))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	took := make([]time.Duration, 0, count)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range count {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
		began := time.Now()
		if err := client.ProduceSync(ctx, &kgo.Record{Value: bytes.Repeat([]byte{'x'}, size)}).FirstErr(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return Median(took), nil
}
