// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRequestInContext(t *testing.T) {
	assert.Nil(t, FromContext(context.Background()))
	r := &Request{Transport: TransportHTTP, Verdicts: NewVerdicts(2)}
	assert.Same(t, r, FromContext(NewContext(context.Background(), r)))

	assert.Equal(t, 2, r.Verdicts.Len())
	assert.False(t, r.Verdicts.Judged())
	r.Verdicts.MarkJudged()
	assert.True(t, r.Verdicts.Judged())
	assert.False(t, r.Verdicts.At(1).Refused())
	r.Verdicts.At(1).Errors = []Error{{Code: CodeTooLong}}
	assert.True(t, r.Verdicts.At(1).Refused())
}
