// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sender

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// maxAnswerBytes is above what 10,000 ids and 1,000 errors take.
const maxAnswerBytes = 16 << 20

// answerBody is the collector's answer about events.
type answerBody struct {
	Accepted  int           `json:"accepted"`
	Rejected  int           `json:"rejected"`
	EventIDs  []*string     `json:"event_ids"`
	Errors    []answerError `json:"errors"`
	Truncated bool          `json:"errors_truncated"`
}

type answerError struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// parseAnswer reads an answer about n events and refuses one that does not add
// up: it is from something that is no collector.
func parseAnswer(status int, text []byte, n int) (*answerBody, error) {
	a := answerBody{Accepted: -1, Rejected: -1}
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("%s, but the answer is not a collector's: it is no JSON", statusLine(status))
	}
	if a.Accepted < 0 || a.Rejected < 0 || a.Accepted+a.Rejected != n {
		return nil, fmt.Errorf("%s, but the answer is not a collector's: it does not tell of each of %d events", statusLine(status), n)
	}
	return &a, nil
}

// refusal is an answer about the request as a whole.
type refusal struct {
	status  int
	message string
	hint    string
}

func (r *refusal) Error() string {
	text := statusLine(r.status)
	if r.message != "" {
		text += ": " + r.message
	}
	if r.hint != "" {
		text += " (" + r.hint + ")"
	}
	return text
}

// ofOneEvent is r as an answer about the only event of a request.
func (r *refusal) ofOneEvent() *answerBody {
	e := answerError{Code: "too_large", Message: r.message}
	if e.Message == "" {
		e.Message = statusLine(r.status)
	}
	return &answerBody{Rejected: 1, Errors: []answerError{e}}
}

// parseRefusal reads {"error": {code, message}}. A body of another shape, from
// a proxy for example, is left out.
func parseRefusal(resp *http.Response, text []byte) *refusal {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	r := &refusal{status: resp.StatusCode, hint: hints[resp.StatusCode]}
	if json.Unmarshal(text, &body) == nil && body.Error.Code != "" {
		r.message = body.Error.Message
		if r.message == "" {
			r.message = body.Error.Code
		}
	}
	if r.status >= 300 && r.status < 400 {
		r.hint = "it points elsewhere; set --endpoint to the collector itself"
	}
	return r
}

var hints = map[int]string{
	http.StatusUnauthorized:         "set --token or --token-file",
	http.StatusForbidden:            "the token does not allow this",
	http.StatusNotFound:             "does --endpoint name a feedback collector?",
	http.StatusMethodNotAllowed:     "does --endpoint name a feedback collector?",
	http.StatusUnsupportedMediaType: "does --endpoint name a feedback collector?",
}

func statusLine(status int) string {
	return fmt.Sprintf("the collector answered %d %s", status, http.StatusText(status))
}
