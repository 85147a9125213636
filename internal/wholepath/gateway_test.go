// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package wholepath

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"
	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"
)

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// host has the extensions of a gateway.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// gateway is a collector with both receivers, tokens required at each, whose
// pipeline ends in a sink behind validation.
type gateway struct {
	t        *testing.T
	sink     *consumertest.LogsSink
	audit    string // path of the audit log
	signer   *token.Signer
	http     string // URLs
	otlpHTTP string
	client   *http.Client
	grpc     feedbackv1.FeedbackServiceClient
	otlpGRPC plogotlp.GRPCClient
}

func newGateway(t *testing.T, admission map[string]any) *gateway {
	t.Helper()
	signer, err := token.NewSecretSigner([]byte(secret), "HS256")
	require.NoError(t, err)
	g := &gateway{
		t: t, signer: signer, sink: new(consumertest.LogsSink), audit: filepath.Join(t.TempDir(), "audit.jsonl"),
		client: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second},
	}
	h := g.extensions()
	next := g.pipeline(h, admission)
	g.receivers(h, next)
	return g
}

func (g *gateway) keep(c component.Component, h host) {
	require.NoError(g.t, c.Start(g.t.Context(), h))
	g.t.Cleanup(func() { require.NoError(g.t, c.Shutdown(context.Background())) })
}

func (g *gateway) extensions() host {
	h := host{}
	for _, factory := range []extension.Factory{feedbackruntimeextension.NewFactory(), jwtauthextension.NewFactory()} {
		cfg := factory.CreateDefaultConfig()
		switch c := cfg.(type) {
		case *feedbackruntimeextension.Config:
			log := c.Audit.GetOrInsertDefault()
			log.Output, log.Ingestion = g.audit, "all"
		case *jwtauthextension.Config:
			c.HMACSecret = configopaque.String(secret)
		}
		e, err := factory.Create(g.t.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
		require.NoError(g.t, err)
		h[component.NewID(factory.Type())] = e
	}
	for _, e := range h {
		g.keep(e, h)
	}
	return h
}

func (g *gateway) pipeline(h host, admission map[string]any) consumer.Logs {
	var next consumer.Logs = g.sink
	for _, factory := range []processor.Factory{feedbackvalidationprocessor.NewFactory(), feedbackadmissionprocessor.NewFactory()} {
		cfg := factory.CreateDefaultConfig()
		if c, ok := cfg.(*feedbackadmissionprocessor.Config); ok {
			require.NoError(g.t, confmap.NewFromStringMap(admission).Unmarshal(c))
		}
		p, err := factory.CreateLogs(g.t.Context(), processortest.NewNopSettings(factory.Type()), cfg, next)
		require.NoError(g.t, err)
		g.keep(p, h)
		next = p
	}
	return next
}

func (g *gateway) receivers(h host, next consumer.Logs) {
	auth := configauth.Config{AuthenticatorID: component.MustNewID("jwtauth")}
	httpAuth := configoptional.Some(confighttp.AuthConfig{Config: auth})
	feedbackHTTP, feedbackGRPC, otlpHTTP, otlpGRPC := free(g.t), free(g.t), free(g.t), free(g.t)
	for _, factory := range []receiver.Factory{feedbackreceiver.NewFactory(), otlpreceiver.NewFactory()} {
		cfg := factory.CreateDefaultConfig()
		switch c := cfg.(type) {
		case *feedbackreceiver.Config:
			h := c.Protocols.HTTP.GetOrInsertDefault()
			h.ServerConfig.NetAddr.Endpoint, h.ServerConfig.Auth = feedbackHTTP, httpAuth
			h.TrustedProxies = []string{"127.0.0.0/8"}
			s := c.Protocols.GRPC.GetOrInsertDefault()
			s.ServerConfig.NetAddr.Endpoint, s.ServerConfig.Auth = feedbackGRPC, configoptional.Some(auth)
		case *otlpreceiver.Config:
			h := c.Protocols.HTTP.GetOrInsertDefault()
			h.ServerConfig.NetAddr.Endpoint, h.ServerConfig.Auth = otlpHTTP, httpAuth
			s := c.Protocols.GRPC.GetOrInsertDefault()
			s.NetAddr.Endpoint, s.Auth = otlpGRPC, configoptional.Some(auth)
		}
		r, err := factory.CreateLogs(g.t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, next)
		require.NoError(g.t, err)
		g.keep(r, h)
	}
	g.http, g.otlpHTTP = "http://"+feedbackHTTP+"/v1/feedback", "http://"+otlpHTTP+"/v1/logs"
	g.grpc = feedbackv1.NewFeedbackServiceClient(g.dial(feedbackGRPC))
	g.otlpGRPC = plogotlp.NewGRPCClient(g.dial(otlpGRPC))
	g.t.Cleanup(g.client.CloseIdleConnections)
}

func free(t *testing.T) string {
	t.Helper()
	found, err := ports.Free(1)
	require.NoError(t, err)
	return ports.Loopback(found[0])
}

func (g *gateway) dial(addr string) *grpc.ClientConn {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(g.t, err)
	g.t.Cleanup(func() { require.NoError(g.t, conn.Close()) })
	return conn
}

// token mints one for an hour.
func (g *gateway) token(subject string, scopes []string, presigned *token.Feedback) string {
	claims := &token.Claims{Scopes: scopes, Feedback: presigned}
	claims.Subject, claims.Expiry = subject, jwt.NewNumericDate(time.Now().Add(time.Hour))
	if presigned != nil {
		claims.ID = subject + "-token"
	}
	text, err := g.signer.Mint(claims, "")
	require.NoError(g.t, err)
	return text
}

// sent is what a client is told, in gRPC's words.
type sent struct {
	code   codes.Code
	retry  time.Duration // RetryInfo or Retry-After
	header http.Header   // over HTTP
}

var codesOfHTTP = map[int]codes.Code{
	200: codes.OK, 202: codes.OK, 400: codes.InvalidArgument, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 429: codes.ResourceExhausted,
}

// post sends over HTTP.
func (g *gateway) post(url, contentType, bearer string, body []byte, header http.Header) sent {
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(g.t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := g.client.Do(req)
	require.NoError(g.t, err)
	defer func() { require.NoError(g.t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(g.t, err)
	code, known := codesOfHTTP[resp.StatusCode]
	require.True(g.t, known, "%d %s", resp.StatusCode, text)
	s := sent{code: code, header: resp.Header}
	if after := resp.Header.Get("Retry-After"); after != "" {
		seconds, err := strconv.Atoi(after)
		require.NoError(g.t, err)
		s.retry = time.Duration(seconds) * time.Second
	}
	return s
}

// told is what a gRPC status says.
func told(err error) sent {
	st := status.Convert(err)
	s := sent{code: st.Code()}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			s.retry = info.GetRetryDelay().AsDuration()
		}
	}
	return s
}

func (g *gateway) calling(bearer string) context.Context {
	return metadata.AppendToOutgoingContext(g.t.Context(), "authorization", "Bearer "+bearer)
}

// kinds of events.
type kinds []string

const (
	user   = "user_feedback"
	health = "system_health"

	requestA = "0199b5a2-0000-7000-8000-00000000000a"
	requestB = "0199b5a2-0000-7000-8000-00000000000b"
	session  = "s-1"
)

func eventText(kind, requestID string) string {
	if kind == health {
		return `{"type":"system_health","service_name":"s","status":"healthy","error_rate":0,"availability":1,"resources":{"cpu_percent":1,"memory_mb":1,"memory_percent":1,"network_mbps":1},"active_requests":1}`
	}
	return `{"type":"user_feedback","request_id":"` + requestID + `","session_id":"` + session + `","comment":"` + marker + `"}`
}

func protoEvent(kind, requestID string) *feedbackv1.FeedbackEvent {
	if kind == health {
		one := proto.Float64(1)
		return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_SystemHealth{SystemHealth: &feedbackv1.SystemHealth{
			ServiceName: proto.String("s"), Status: feedbackv1.HealthStatus_HEALTH_STATUS_HEALTHY.Enum(), ErrorRate: one, Availability: one,
			Resources:      &feedbackv1.Resources{CpuPercent: one, MemoryMb: one, MemoryPercent: one, NetworkMbps: one},
			ActiveRequests: proto.Int64(1),
		}}}
	}
	return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: &feedbackv1.UserFeedback{
		RequestId: &requestID, SessionId: proto.String(session), Comment: proto.String(marker),
	}}}
}

// otlpLogs are events as text, with attributes that nobody outside may set.
func otlpLogs(events kinds, requestID string) plogotlp.ExportRequest {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	sl := rl.ScopeLogs().AppendEmpty()
	forge(rl.Resource().Attributes())
	forge(sl.Scope().Attributes())
	for _, kind := range events {
		lr := sl.LogRecords().AppendEmpty()
		forge(lr.Attributes())
		lr.Body().SetStr(eventText(kind, requestID))
	}
	return plogotlp.NewExportRequestFromLogs(ld)
}

// ways sends the same events in every way there is.
func (g *gateway) ways() map[string]func(bearer string, events kinds, requestID string) sent {
	return map[string]func(string, kinds, string) sent{
		"http": func(bearer string, events kinds, requestID string) sent {
			var body bytes.Buffer
			for _, kind := range events {
				body.WriteString(eventText(kind, requestID) + "\n")
			}
			return g.post(g.http, "application/x-ndjson", bearer, body.Bytes(), nil)
		},
		"grpc": func(bearer string, events kinds, requestID string) sent {
			req := &feedbackv1.SubmitRequest{}
			for _, kind := range events {
				req.Events = append(req.Events, protoEvent(kind, requestID))
			}
			_, err := g.grpc.Submit(g.calling(bearer), req)
			return told(err)
		},
		"otlp grpc": func(bearer string, events kinds, requestID string) sent {
			_, err := g.otlpGRPC.Export(g.calling(bearer), otlpLogs(events, requestID))
			return told(err)
		},
		"otlp http": func(bearer string, events kinds, requestID string) sent {
			body, err := otlpLogs(events, requestID).MarshalProto()
			require.NoError(g.t, err)
			return g.post(g.otlpHTTP, "application/x-protobuf", bearer, body, nil)
		},
	}
}
