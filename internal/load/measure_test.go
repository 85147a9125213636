// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// pipe is a far side that writes to Kafka what it was sent.
func pipe(t *testing.T, write func(client *kgo.Client, n int, ids []string)) (*far, []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "events"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	// What was there before is none of ours.
	require.NoError(t, client.ProduceSync(t.Context(), kgo.StringRecord(NewLedger().id(1))).FirstErr())
	return &far{take: func(n int, ids []string, _ http.ResponseWriter) bool {
		write(client, n, ids)
		return false
	}}, cluster.ListenAddrs()
}

func produce(t *testing.T, client *kgo.Client, ids ...string) {
	t.Helper()
	for _, id := range ids {
		client.Produce(t.Context(), kgo.StringRecord(`{"event_id":"`+id+`"}`), nil)
	}
}

func TestMeasure(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "afterwards": false} {
		t.Run(name, func(t *testing.T) {
			f, brokers := pipe(t, func(client *kgo.Client, _ int, ids []string) { produce(t, client, ids...) })
			r, err := Measure(t.Context(), Plan{
				Config: Config{Target: f.overHTTP(t), Batch: 5, Connections: 4, Rate: 1000, Duration: 300 * time.Millisecond},
				Name:   "x", Warmup: 50 * time.Millisecond, PID: os.Getpid(),
				Topic: "events", Kafka: []kgo.Opt{kgo.SeedBrokers(brokers...)}, Live: live,
			})
			require.NoError(t, err)
			assert.Empty(t, r.Faults())
			assert.Equal(t, Balance{Sent: 300, Acknowledged: 300, Arrived: 300}, r.Events)
			assert.EqualValues(t, 60, r.Requests)
			assert.True(t, r.Verified)
			if live {
				assert.EqualValues(t, 300, r.EndToEnd.Count, "not those of the warm-up")
				assert.EqualValues(t, 300, r.Records.Count)
			}
			var out bytes.Buffer
			require.NoError(t, r.Write(&out))
			assert.Contains(t, out.String(), "300, lost 0, twice 0")
			if runtime.GOOS == "linux" {
				require.NotNil(t, r.Process)
				assert.Positive(t, r.Process.PeakMiB)
				assert.Positive(t, r.Process.Descriptors)
			}
		})
	}
}

// Events that are acknowledged and dropped, or written twice, are found.
func TestMeasureFindsFaults(t *testing.T) {
	f, brokers := pipe(t, func(client *kgo.Client, n int, ids []string) {
		if n%10 == 3 {
			ids = ids[1:]
		}
		if n%10 == 4 {
			produce(t, client, ids[0])
		}
		produce(t, client, ids...)
	})
	r, err := Measure(t.Context(), Plan{
		Config: Config{Target: f.overHTTP(t), Batch: 2, Connections: 2, Rate: 400, Duration: 250 * time.Millisecond},
		Topic:  "events", Kafka: []kgo.Opt{kgo.SeedBrokers(brokers...)}, Patience: 300 * time.Millisecond,
	})
	require.NoError(t, err)
	assert.Equal(t, Balance{Sent: 100, Acknowledged: 100, Arrived: 95, Lost: 5, Twice: 5}, r.Events)
	assert.Equal(t, []string{"5 events were acknowledged and did not arrive", "5 records hold an event that was there before"}, r.Faults())
	assert.Nil(t, r.Process)
	var out bytes.Buffer
	require.NoError(t, r.Write(&out))
	assert.Contains(t, out.String(), "n/a")
}

// Where nobody looks, nothing is called lost.
func TestMeasureWithoutTopic(t *testing.T) {
	f := &far{}
	r, err := Measure(t.Context(), Plan{Config: Config{Target: f.overHTTP(t), Connections: 1, Rate: 100, Duration: 50 * time.Millisecond}})
	require.NoError(t, err)
	assert.Empty(t, r.Faults())
	assert.Equal(t, Balance{Sent: 5, Acknowledged: 5}, r.Events)
	assert.False(t, r.Verified)
}

func TestNoTopic(t *testing.T) {
	f, brokers := pipe(t, nil)
	_, err := Measure(t.Context(), Plan{
		Config: Config{Target: f.overHTTP(t)}, Topic: "nowhere", Kafka: []kgo.Opt{kgo.SeedBrokers(brokers...)},
	})
	require.ErrorContains(t, err, "nowhere")
}

func TestListener(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	pid, err := Listener(port)
	require.NoError(t, err)
	assert.Equal(t, os.Getpid(), pid)
	srv.Close()
	_, err = Listener(port)
	require.Error(t, err)
}

// BenchmarkGenerator is what a request costs on the generator's side, with a far
// side that does nothing but answer: most of what is counted is that far side.
func BenchmarkGenerator(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer srv.Close()
	c := Config{Target: srv.URL, Connections: 1}
	c.setDefaults()
	l := NewLedger()
	prepared, err := c.prepare(l)
	require.NoError(b, err)
	s, err := c.connect()
	require.NoError(b, err)
	defer s.close()
	r := <-prepared
	for b.Loop() {
		r.patch(l, 0, time.Now())
		require.NoError(b, s.send(b.Context(), r.wire))
	}
}
