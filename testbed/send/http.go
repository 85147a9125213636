// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package send

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// Answer is what the collector says over HTTP.
type Answer struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	Body   string      `json:"-"`

	Accepted  int       `json:"accepted"`
	Rejected  int       `json:"rejected"`
	EventIDs  []*string `json:"event_ids"`
	Errors    []Error   `json:"errors"`
	Truncated bool      `json:"errors_truncated"`
	Error     *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Error is one fault of one event.
type Error struct {
	Index   int    `json:"index"`
	EventID string `json:"event_id"`
	Code    string `json:"code"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Do sends a request and reads the answer.
func Do(client *http.Client, req *http.Request) (*Answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	a := &Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
	if len(body) > 0 {
		if err := json.Unmarshal(body, a); err != nil {
			return a, fmt.Errorf("the answer %d is not JSON: %w", a.Status, err)
		}
	}
	return a, nil
}

// Shape is how events are laid out in a body.
type Shape int

// The shapes of a body.
const (
	Single Shape = iota
	Array
	Envelope
	NDJSON
)

// HTTP sends to POST /v1/feedback.
type HTTP struct {
	Client *http.Client
	URL    string
	Shape  Shape
	// Encoding is the content coding: "", gzip or zstd.
	Encoding string
}

// Send implements Sender.
func (h *HTTP) Send(ctx context.Context, batch []*events.Event) ([]Receipt, error) {
	body, mediaType := h.Shape.body(batch)
	body, err := compress(body, h.Encoding)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", mediaType)
	if h.Encoding != "" {
		req.Header.Set("Content-Encoding", h.Encoding)
	}
	a, err := Do(h.Client, req)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusAccepted || a.Accepted != len(batch) || len(a.EventIDs) != len(batch) {
		return nil, fmt.Errorf("answered %d: %s", a.Status, a.Body)
	}
	list := receipts(batch)
	for i, id := range a.EventIDs {
		if id == nil {
			return nil, fmt.Errorf("no id at position %d: %s", i, a.Body)
		}
		list[i].ID = *id
	}
	return list, nil
}

func (s Shape) body(batch []*events.Event) (body []byte, mediaType string) {
	texts := make([][]byte, len(batch))
	for i, e := range batch {
		texts[i] = e.JSON()
	}
	switch s {
	case Single:
		return texts[0], "application/json"
	case NDJSON:
		return bytes.Join(texts, []byte("\n")), "application/x-ndjson"
	case Envelope:
		return fmt.Appendf(nil, `{"events": [%s]}`, bytes.Join(texts, []byte(", "))), "application/json; charset=utf-8"
	default:
		return fmt.Appendf(nil, `[%s]`, bytes.Join(texts, []byte(","))), "application/json"
	}
}

func compress(body []byte, coding string) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "":
		return body, nil
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	default:
		err = fmt.Errorf("no coding %q here", coding)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err = w.Close() // writes the rest
	return b.Bytes(), err
}
