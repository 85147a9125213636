// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// errNotJudged says that no validation processor stands in the pipeline: what
// became of the events is not known, so nothing is acknowledged.
var errNotJudged = status.Error(codes.Internal, "the pipeline did not judge the events")

// consume hands the events of one request to the pipeline and returns what was
// decided about each and about the client's rate. The error speaks of admission
// or delivery; it comes back as it is, for the transport to translate.
//
// sizes are the bytes of JSON text by position, nil if there was none.
func (r *feedbackReceiver) consume(ctx context.Context, transport string, logs plog.Logs, sizes []int) (*feedback.Request, error) {
	obs := r.obs
	if transport == feedback.TransportGRPC {
		obs = r.obsG
	}
	n := logs.LogRecordCount()
	req := &feedback.Request{
		Transport: transport,
		Sizes:     sizes,
		Verdicts:  feedback.NewVerdicts(n),
	}
	caller := ctx
	ctx = obs.StartLogsOp(feedback.NewContext(ctx, req))
	err := r.next.ConsumeLogs(ctx, logs)
	if err == nil && !req.Verdicts.Judged() {
		err = errNotJudged
		r.notJudgedOnce.Do(func() {
			r.set.Logger.Error("No processor judged the events: add feedbackvalidation to the pipeline of this receiver, before batch and every queue")
		})
	}
	obs.EndLogsOp(ctx, metadata.Type.String(), n, err)
	describe(caller, req.Verdicts)
	return req, err
}
