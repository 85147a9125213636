// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

var _ processor.Logs = (*admission)(nil)

// admission is the consumer itself and not a function under processorhelper: it
// holds its part of the account until the next consumer has returned.
type admission struct {
	next    consumer.Logs
	account *feedbackruntimeextension.Account // set by Start
}

// Start implements component.Component.
func (a *admission) Start(_ context.Context, host component.Host) error {
	runtime, err := feedbackruntimeextension.Find(host)
	if err != nil {
		return err
	}
	a.account = runtime.Account()
	return nil
}

// Shutdown implements component.Component.
func (a *admission) Shutdown(context.Context) error { return nil }

// Capabilities implements consumer.Logs.
func (a *admission) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs implements consumer.Logs.
func (a *admission) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	hold := feedbackruntimeextension.FromContext(ctx)
	var bytes int64 // a receiver that brings its hold has counted them
	if hold == nil {
		hold = a.account.Open()
		defer hold.Release()
		ctx = feedbackruntimeextension.NewContext(ctx, hold)
		bytes = int64(sizer.LogsSize(ld))
	}
	if err := hold.Grow(ctx, ld.LogRecordCount(), bytes); err != nil {
		return refusal(err)
	}

	info := client.FromContext(ctx)
	claim(ld, clientID(info.Auth))
	if feedback.FromContext(ctx) == nil {
		request := &feedback.Request{Transport: transportOf(info, ld)}
		request.Sizes = decode(ld, request.Transport)
		ctx = feedback.NewContext(ctx, request)
	}
	return a.next.ConsumeLogs(ctx, ld)
}

// sizer measures what came without a hold by the size it has as OTLP.
var sizer plog.ProtoMarshaler
