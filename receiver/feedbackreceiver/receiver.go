// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// feedbackReceiver holds both servers. It is not started unless the
// feedbackruntime extension is there.
type feedbackReceiver struct {
	cfg  *Config
	set  receiver.Settings
	next consumer.Logs

	obs  *receiverhelper.ObsReport // HTTP
	obsG *receiverhelper.ObsReport // gRPC

	spans *receiveSpans

	rt        feedbackruntimeextension.Runtime    // set by Start
	audit     *audit.Log                          // set by Start; nil: none is kept
	ingestion *feedbackruntimeextension.Ingestion // set by Start

	http httpServer
	grpc grpcServer

	// notJudgedOnce keeps the complaint about a pipeline without validation to
	// one line.
	notJudgedOnce sync.Once
	// shutdownWG joins the goroutines that serve.
	shutdownWG sync.WaitGroup
}

var _ receiver.Logs = (*feedbackReceiver)(nil)

func newFeedbackReceiver(cfg *Config, set receiver.Settings, next consumer.Logs) (*feedbackReceiver, error) {
	r := &feedbackReceiver{cfg: cfg, set: set, next: next, spans: newReceiveSpans(set.TelemetrySettings, cfg.TrustTraceparent)}
	var err error
	if r.obs, err = newObsReport(set, feedback.TransportHTTP); err != nil {
		return nil, err
	}
	if r.obsG, err = newObsReport(set, feedback.TransportGRPC); err != nil {
		return nil, err
	}
	return r, nil
}

func newObsReport(set receiver.Settings, transport string) (*receiverhelper.ObsReport, error) {
	set.TelemetrySettings = withoutSpans(set.TelemetrySettings)
	return receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID:             set.ID,
		Transport:              transport,
		ReceiverCreateSettings: set,
	})
}

// Start implements component.Component. What was started is stopped again if
// the rest cannot be.
func (r *feedbackReceiver) Start(ctx context.Context, host component.Host) error {
	rt, err := feedbackruntimeextension.Find(host)
	if err != nil {
		return err
	}
	r.rt, r.audit, r.ingestion = rt, audit.Find(host), feedbackruntimeextension.IngestionOf(host)
	if err = r.startGRPC(ctx, host); err == nil {
		err = r.startHTTP(ctx, host)
	}
	if err != nil {
		return errors.Join(err, r.Shutdown(ctx))
	}
	return nil
}

// Shutdown implements component.Component. Requests in work are answered first,
// within the runtime's shutdown timeout, which both servers share.
func (r *feedbackReceiver) Shutdown(ctx context.Context) error {
	if r.rt == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.rt.ShutdownTimeout())
	defer cancel()

	var errGRPC, errHTTP error
	var both sync.WaitGroup
	both.Go(func() { errGRPC = r.shutdownGRPC(ctx) })
	both.Go(func() { errHTTP = r.shutdownHTTP(ctx) })
	both.Wait()
	r.shutdownWG.Wait()
	return errors.Join(errGRPC, errHTTP)
}
