// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// idFields are the ids that their sender chooses freely. They are not redacted;
// some applications take an e-mail address for one.
var idFields = [...]string{userField, "session_id", "variant_id", "service_name", "model_id", "provider"}

// maxAddress is the length above which nothing is an e-mail address.
const maxAddress = 320

// addresses counts ids that are e-mail addresses, and tells of the first in each
// field.
type addresses struct {
	logger *zap.Logger
	engine *pii.Engine // knows addresses even where they are to be kept
	counts [len(idFields)]atomic.Int64
}

func newAddresses(logger *zap.Logger) *addresses {
	return &addresses{logger: logger, engine: pii.NewDefault()}
}

func (a *addresses) look(body pcommon.Value) {
	if body.Type() != pcommon.ValueTypeMap {
		return
	}
	for name, v := range body.Map().All() {
		if v.Type() != pcommon.ValueTypeStr {
			continue
		}
		if s := v.Str(); strings.IndexByte(s, '@') > 0 && len(s) <= maxAddress {
			a.check(name, s)
		}
	}
}

func (a *addresses) check(name, value string) {
	for i, field := range idFields {
		if field != name {
			continue
		}
		var c pii.Counts
		if _, err := a.engine.Redact(value, &c); err != nil || c.Entities[pii.Email] == 0 || a.counts[i].Add(1) > 1 {
			return
		}
		fields := []zap.Field{zap.String("field", field)}
		if field == userField {
			fields = append(fields, zap.String("remedy", "user_id: hash"))
		}
		a.logger.Warn("An id holds an e-mail address; ids are not redacted, and this is said once for each field", fields...)
	}
}

// report logs how many there were.
func (a *addresses) report() {
	for i, field := range idFields {
		if n := a.counts[i].Swap(0); n > 0 {
			a.logger.Warn("Ids held e-mail addresses", zap.String("field", field), zap.Int64("events", n))
		}
	}
}
