// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	headerRetryAfter    = "Retry-After"
	headerRateLimit     = "X-Ratelimit-Limit" // as net/http writes it
	headerRateRemaining = "X-Ratelimit-Remaining"
	headerRateReset     = "X-Ratelimit-Reset"

	// maxErrors bounds the errors in one answer; validation bounds those of one
	// event.
	maxErrors = 1000
	// maxPooledAnswer bounds the buffers that are kept for the next answer.
	maxPooledAnswer = 256 << 10
)

var (
	answerBuffers = sync.Pool{New: func() any { return new([]byte) }}

	// Shared by all answers, so that setting them allocates nothing; net/http
	// only reads them.
	jsonContentType = []string{"application/json"}
	noSniff         = []string{"nosniff"}
)

// writeAnswer writes what appendBody appends as the JSON body of an answer.
func writeAnswer(w http.ResponseWriter, status int, appendBody func(dst []byte) []byte) {
	buf := answerBuffers.Get().(*[]byte)
	*buf = append(appendBody((*buf)[:0]), '\n')
	h := w.Header()
	h["Content-Type"] = jsonContentType
	h["X-Content-Type-Options"] = noSniff
	h["Content-Length"] = []string{strconv.Itoa(len(*buf))}
	w.WriteHeader(status)
	// Only the client can make this fail, and it is then not there to be told.
	_, _ = w.Write(*buf)
	if cap(*buf) <= maxPooledAnswer {
		answerBuffers.Put(buf)
	}
}

// setRate tells a client that is limited of its rate, in whatever answer.
func setRate(h http.Header, rate *feedback.Rate) {
	if rate.Limit == 0 {
		return
	}
	values := []string{strconv.Itoa(rate.Limit), strconv.Itoa(rate.Remaining), strconv.FormatInt(seconds(rate.Wait), 10)}
	h[headerRateLimit], h[headerRateRemaining], h[headerRateReset] = values[0:1:1], values[1:2:2], values[2:3:3]
}

// answerRefusal answers {"error": {code, message}}; where the request's events
// themselves were refused, {"accepted": 0, …} as for any event.
func answerRefusal(w http.ResponseWriter, f refusal, events int) {
	h := w.Header()
	if f.retryAfter > 0 {
		h.Set(headerRetryAfter, strconv.FormatInt(f.retrySeconds(), 10))
	}
	if f.status == http.StatusBadRequest {
		answerWhole(w, events, 0, &feedback.Error{Code: feedback.Code(f.code), Message: f.message})
		return
	}
	writeAnswer(w, f.status, func(dst []byte) []byte {
		dst = append(dst, `{"error":{"code":"`...)
		dst = append(dst, f.code...)
		dst = append(dst, `","message":`...)
		dst = appendString(dst, f.message)
		return append(dst, "}}"...)
	})
}

// answerWhole answers 400 for a request that was refused whole.
func answerWhole(w http.ResponseWriter, rejected, index int, e *feedback.Error) {
	writeAnswer(w, http.StatusBadRequest, func(dst []byte) []byte {
		dst = appendCounts(dst, 0, rejected)
		dst = append(dst, `,"errors":[`...)
		dst = appendError(dst, index, "", e)
		return append(dst, "]}"...)
	})
}

// answerVerdicts answers 202, 207 or 400 with the decision about each event, and
// 413 if the only one was too large.
func answerVerdicts(w http.ResponseWriter, v *feedback.Verdicts) {
	n, rejected := v.Len(), 0
	for i := range n {
		if v.At(i).Refused() {
			rejected++
		}
	}
	if n == 1 && rejected == 1 {
		if e := &v.At(0).Errors[0]; e.Code == feedback.CodeTooLarge {
			f := refuseTooLarge
			f.message = e.Message
			answerRefusal(w, f, 1)
			return
		}
	}
	status := http.StatusAccepted
	switch rejected {
	case 0:
	case n:
		status = http.StatusBadRequest
	default:
		status = http.StatusMultiStatus
	}
	writeAnswer(w, status, func(dst []byte) []byte {
		dst = appendCounts(dst, n-rejected, rejected)
		if rejected < n {
			dst = appendIDs(dst, v)
		}
		if rejected > 0 {
			dst = appendErrors(dst, v)
		}
		return append(dst, '}')
	})
}

func appendCounts(dst []byte, accepted, rejected int) []byte {
	dst = append(dst, `{"accepted":`...)
	dst = strconv.AppendInt(dst, int64(accepted), 10)
	dst = append(dst, `,"rejected":`...)
	return strconv.AppendInt(dst, int64(rejected), 10)
}

// appendIDs keeps the request's positions: null stands for a refused event.
func appendIDs(dst []byte, v *feedback.Verdicts) []byte {
	dst = append(dst, `,"event_ids":[`...)
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if one := v.At(i); one.Refused() {
			dst = append(dst, "null"...)
		} else {
			dst = appendString(dst, one.EventID)
		}
	}
	return append(dst, ']')
}

func appendErrors(dst []byte, v *feedback.Verdicts) []byte {
	dst = append(dst, `,"errors":[`...)
	written, truncated := 0, false
	for i := range v.Len() {
		one := v.At(i)
		truncated = truncated || one.Truncated
		for j := range one.Errors {
			if written == maxErrors {
				truncated = true
				break
			}
			if written > 0 {
				dst = append(dst, ',')
			}
			dst = appendError(dst, i, one.EventID, &one.Errors[j])
			written++
		}
	}
	dst = append(dst, ']')
	if truncated {
		dst = append(dst, `,"errors_truncated":true`...)
	}
	return dst
}

func appendError(dst []byte, index int, eventID string, e *feedback.Error) []byte {
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, int64(index), 10)
	if eventID != "" {
		dst = append(dst, `,"event_id":`...)
		dst = appendString(dst, eventID)
	}
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, string(e.Code))
	dst = append(dst, `,"field":`...)
	dst = appendString(dst, e.Field)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	return append(dst, '}')
}

// appendString appends a JSON string. The error, invalid UTF-8, is mended by
// replacement characters.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
