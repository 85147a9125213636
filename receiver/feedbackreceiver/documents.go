// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/api"
)

// document is one of the descriptions of the interface. It changes with the
// binary alone.
type document struct {
	body []byte
	mime string
	etag string
}

var (
	openAPI    = newDocument(api.OpenAPI, "application/yaml")
	jsonSchema = newDocument(api.JSONSchema, "application/schema+json")
)

func newDocument(body []byte, mime string) document {
	sum := sha256.Sum256(body)
	return document{body: body, mime: mime, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// serve answers GET and HEAD, also conditional ones.
func (d document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = []string{d.mime}
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = []string{"public, max-age=3600"}
	h["Etag"] = []string{d.etag}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}
