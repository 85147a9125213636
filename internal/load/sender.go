// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// sender is one connection. It is for one goroutine.
type sender interface {
	// dial opens the connection.
	dial(ctx context.Context) error
	// send sends a request and waits for its answer: nil if all its events were
	// taken, a refusal, or why there is no answer.
	send(ctx context.Context, wire []byte) error
	close()
}

// refusal is an answer by which not all events of a request were taken.
type refusal struct {
	// what is the answer's code.
	what string
	// taken says of each event whether it was taken after all; nil: none was.
	taken []bool
}

func (r *refusal) Error() string { return r.what }

func (c *Config) connect() (sender, error) {
	switch c.Transport {
	case HTTP, NDJSON, OTLPHTTP:
		return newHTTPSender(c)
	case GRPC, GRPCStream, OTLPGRPC:
		return newGRPCSender(c)
	}
	return nil, errors.New("no such transport")
}

// answered reads SubmitResponse: how many events were taken, and which if not all.
func answered(message []byte, n int) error {
	accepted := 0
	var taken []bool
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return errors.New("an answer that is not as agreed")
		}
		message = message[size:]
		switch {
		case field == 1 && kind == protowire.VarintType:
			v, size := protowire.ConsumeVarint(message)
			if size < 0 {
				return errors.New("an answer that is not as agreed")
			}
			accepted, message = int(v), message[size:]
			continue
		case field == 3 && kind == protowire.BytesType && accepted < n:
			v, _ := protowire.ConsumeBytes(message)
			taken = append(taken, len(v) > 0)
		}
		if size = protowire.ConsumeFieldValue(field, kind, message); size < 0 {
			return errors.New("an answer that is not as agreed")
		}
		message = message[size:]
	}
	if accepted == n {
		return nil
	}
	return &refusal{what: "some refused", taken: taken}
}

// exported reads an OTLP answer: field 1 is there if something was not taken.
func exported(message []byte) error {
	if len(message) == 0 {
		return nil
	}
	_, _, size := protowire.ConsumeTag(message)
	if size < 0 {
		return errors.New("an answer that is not as agreed")
	}
	if partial, _ := protowire.ConsumeBytes(message[size:]); len(partial) == 0 {
		return nil
	}
	return &refusal{what: "partial success"}
}

// status is the refusal that a status code of HTTP says.
func status(code int) error { return &refusal{what: fmt.Sprint(code)} }
