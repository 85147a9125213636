// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package tail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "t"

func cluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, topic)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// produce writes one record for each value, to partition 0, 1, 2, 0 …
func produce(t *testing.T, address string, values ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	start := time.Now().Add(-time.Second)
	for i, v := range values {
		r := &kgo.Record{Topic: topic, Partition: int32(i % 3), Value: []byte(v), Timestamp: start.Add(time.Duration(i) * time.Millisecond)}
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
}

// running is a Run in the background.
type running struct {
	records chan string
	stop    context.CancelFunc
	done    chan error

	mu      sync.Mutex
	notices []string
}

func (r *running) notice(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices = append(r.notices, text)
}

func (r *running) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.notices, "\n")
}

func (r *running) waitTold(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(r.told(), text) }, 10*time.Second, 5*time.Millisecond, text)
}

func (r *running) next(t *testing.T) string {
	t.Helper()
	select {
	case v := <-r.records:
		return v
	case err := <-r.done:
		require.FailNow(t, "ended", "%v", err)
	case <-time.After(15 * time.Second):
		require.FailNow(t, "no record", r.told())
	}
	return ""
}

func follow(t *testing.T, address string, start Start, opts ...kgo.Opt) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{records: make(chan string, 1000), stop: stop, done: make(chan error, 1)}
	cfg := Config{
		Client: append([]kgo.Opt{kgo.SeedBrokers(address)}, opts...),
		Topic:  topic, Start: start, Follow: true, Notice: r.notice,
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		r.done <- Run(ctx, cfg, func(rec *kgo.Record) error {
			r.records <- string(rec.Value)
			return nil
		})
	}()
	t.Cleanup(func() {
		stop()
		<-finished
	})
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	require.NoError(t, <-r.done)
}

// once reads what is there and ends.
func once(t *testing.T, address string, start Start) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	var values []string
	err := Run(ctx, Config{
		Client: []kgo.Opt{kgo.SeedBrokers(address)}, Topic: topic, Start: start,
		Notice: func(text string) { assert.Fail(t, text) },
	}, func(r *kgo.Record) error {
		values = append(values, string(r.Value))
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	return values
}

func TestFollow(t *testing.T) {
	c := cluster(t)
	address := c.ListenAddrs()[0]
	produce(t, address, "a", "b", "c", "d")
	r := follow(t, address, Start{Offset: -1, Last: 1})
	assert.ElementsMatch(t, []string{"d", "b", "c"}, []string{r.next(t), r.next(t), r.next(t)})
	produce(t, address, "e")
	assert.Equal(t, "e", r.next(t))
	r.end(t)
	assert.Empty(t, r.told())
}

func TestWithoutFollow(t *testing.T) {
	c := cluster(t)
	address := c.ListenAddrs()[0]
	assert.Empty(t, once(t, address, Start{Beginning: true}), "empty")
	produce(t, address, "a", "b", "c", "d", "e")
	assert.ElementsMatch(t, []string{"a", "b", "c", "d", "e"}, once(t, address, Start{Beginning: true}))
	assert.ElementsMatch(t, []string{"c", "d", "e"}, once(t, address, Start{Offset: -1, Last: 1}))
	assert.ElementsMatch(t, []string{"d", "e"}, once(t, address, Start{Offset: 1}))
	assert.Empty(t, once(t, address, Start{Offset: -1}))
	assert.Empty(t, once(t, address, Start{Offset: 100}))
	require.NoError(t, c.DeleteRecords(topic, 0, 1))
	assert.ElementsMatch(t, []string{"b", "c", "d", "e"}, once(t, address, Start{Offset: 0}))
}

func TestOrderOfTime(t *testing.T) {
	c := cluster(t)
	var values []string
	for i := range 30 {
		values = append(values, fmt.Sprint(i))
	}
	produce(t, c.ListenAddrs()[0], values...)
	// A partition comes whole; where several come in one answer they are mixed.
	got := once(t, c.ListenAddrs()[0], Start{Beginning: true})
	assert.ElementsMatch(t, values, got)
}

// TestTransactions: aborted records are not shown, and reading ends though the
// last thing in the partition is no record.
func TestTransactions(t *testing.T) {
	c := cluster(t)
	address := c.ListenAddrs()[0]
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(topic))
	require.NoError(t, err)
	defer cl.Close()
	for _, tx := range []struct {
		value  string
		commit kgo.TransactionEndTry
	}{{"kept", kgo.TryCommit}, {"aborted", kgo.TryAbort}} {
		require.NoError(t, cl.BeginTransaction())
		require.NoError(t, cl.ProduceSync(t.Context(), kgo.StringRecord(tx.value)).FirstErr())
		require.NoError(t, cl.EndTransaction(t.Context(), tx.commit))
	}
	assert.Equal(t, []string{"kept"}, once(t, address, Start{Beginning: true}))
}

func TestBrokerComesLate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := ln.Addr().String()
	require.NoError(t, ln.Close())
	r := follow(t, address, Start{Beginning: true})
	r.waitTold(t, "broker "+address+" cannot be reached, waiting for it")
	cluster(t, kfake.Ports(ln.Addr().(*net.TCPAddr).Port))
	produce(t, address, "a")
	assert.Equal(t, "a", r.next(t))
	r.end(t)
	assert.Equal(t, 1, strings.Count(r.told(), "cannot be reached"))
	assert.Contains(t, r.told(), "broker "+address+" is there")
}

func TestTopicComesLate(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer c.Close()
	address := c.ListenAddrs()[0]
	r := follow(t, address, Start{Beginning: true})
	r.waitTold(t, "topic t is not there yet, waiting for it")
	require.NoError(t, c.CreateTopic(topic, 3, nil))
	produce(t, address, "a")
	assert.Equal(t, "a", r.next(t))
	r.end(t)
	assert.Equal(t, "topic t is not there yet, waiting for it", r.told())
}

// TestRestart is what happens when a collector with an embedded broker in
// memory is started again.
func TestRestart(t *testing.T) {
	first, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
	require.NoError(t, err)
	address := first.ListenAddrs()[0]
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	produce(t, address, "a", "b", "c", "d")
	r := follow(t, address, Start{Beginning: true})
	for range 4 {
		r.next(t)
	}
	first.Close()
	var p int
	_, err = fmt.Sscan(port, &p)
	require.NoError(t, err)
	r.waitTold(t, "cannot be reached")
	cluster(t, kfake.Ports(p))
	produce(t, address, "new")
	assert.Equal(t, "new", r.next(t))
	r.end(t)
}

func TestTopicMadeAnew(t *testing.T) {
	c := cluster(t)
	address := c.ListenAddrs()[0]
	produce(t, address, "a")
	r := follow(t, address, Start{Beginning: true})
	assert.Equal(t, "a", r.next(t))
	require.NoError(t, c.DeleteTopic(topic))
	r.waitTold(t, "topic t is not there yet")
	require.NoError(t, c.CreateTopic(topic, 3, nil))
	produce(t, address, "b")
	assert.Equal(t, "b", r.next(t))
	r.end(t)
}

func TestErrors(t *testing.T) {
	write := func(*kgo.Record) error { return errors.New("no") }
	run := func(follow bool, opts ...kgo.Opt) error {
		return Run(t.Context(), Config{Client: opts, Topic: topic, Follow: follow, Start: Start{Beginning: true}, Notice: func(string) {}}, write)
	}
	plainAuth := kgo.SASL(plain.Auth{User: "u", Pass: "wrong"}.AsMechanism())

	t.Run("nobody there", func(t *testing.T) {
		require.ErrorContains(t, run(false, kgo.SeedBrokers("127.0.0.1:1")), "refused")
	})
	t.Run("no topic", func(t *testing.T) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1))
		require.NoError(t, err)
		defer c.Close()
		require.ErrorContains(t, run(false, kgo.SeedBrokers(c.ListenAddrs()...)), "topic t: UNKNOWN_TOPIC_OR_PARTITION")
	})
	t.Run("wrong password", func(t *testing.T) {
		c := cluster(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"))
		// kfake would hang up, Kafka tells.
		c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
			return resp, nil, true
		})
		for _, follow := range []bool{true, false} {
			require.ErrorContains(t, run(follow, kgo.SeedBrokers(c.ListenAddrs()...), plainAuth), "SASL_AUTHENTICATION_FAILED")
		}
	})
	t.Run("broker hangs up", func(t *testing.T) {
		c := cluster(t, kfake.EnableSASL())
		r := follow(t, c.ListenAddrs()[0], Start{Beginning: true}, plainAuth)
		r.waitTold(t, "it hung up: TLS or SASL")
		r.end(t)
	})
	t.Run("bad option", func(t *testing.T) {
		require.Error(t, run(true, kgo.SeedBrokers()))
	})
	t.Run("writing fails", func(t *testing.T) {
		c := cluster(t)
		produce(t, c.ListenAddrs()[0], "a")
		require.EqualError(t, run(true, kgo.SeedBrokers(c.ListenAddrs()...)), "no")
	})
}

func TestFinal(t *testing.T) {
	assert.True(t, final(&tls.CertificateVerificationError{}))
	assert.True(t, final(fmt.Errorf("wrapped: %w", tls.RecordHeaderError{})))
	assert.True(t, final(kerr.TopicAuthorizationFailed))
	assert.False(t, final(kerr.NotLeaderForPartition))
	assert.False(t, final(context.DeadlineExceeded))
}
