// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// httpSender writes prepared HTTP/1.1 requests to one connection and reads of
// answers what it needs: net/http would cost as much as what is measured.
type httpSender struct {
	address   string
	tls       *tls.Config
	timeout   time.Duration
	transport Transport
	batch     int

	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// maxAnswer bounds the body of an answer.
const maxAnswer = 16 << 20

func newHTTPSender(c *Config) (*httpSender, error) {
	u, err := url.Parse(c.Target)
	if err != nil {
		return nil, err
	}
	s := &httpSender{address: u.Host, timeout: c.Timeout, transport: c.Transport, batch: c.Batch}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLS != nil {
			s.tls = c.TLS.Clone()
		}
		s.tls.ServerName = u.Hostname()
		s.tls.NextProtos = []string{"http/1.1"}
	}
	if u.Port() == "" {
		s.address = net.JoinHostPort(u.Hostname(), port)
	}
	return s, nil
}

func (s *httpSender) send(ctx context.Context, wire []byte) error {
	if s.conn == nil {
		if err := s.dial(ctx); err != nil {
			return err
		}
	}
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	if _, err := s.conn.Write(wire); err != nil {
		s.close()
		return err
	}
	code, last, err := s.answer()
	if err != nil || last {
		s.close()
	}
	switch {
	case err != nil:
		return err
	case code == http.StatusMultiStatus:
		return s.mixed()
	case s.transport == OTLPHTTP && code == http.StatusOK:
		return exported(s.body)
	case code == http.StatusAccepted || code == http.StatusOK || code == http.StatusCreated:
		return nil
	}
	return status(code)
}

// mixed reads which events of a 207 were taken.
func (s *httpSender) mixed() error {
	var said struct {
		IDs []*string `json:"event_ids"`
	}
	if err := json.Unmarshal(s.body, &said); err != nil {
		return err
	}
	r := &refusal{what: "207"}
	for _, id := range said.IDs {
		r.taken = append(r.taken, id != nil)
	}
	return r
}

func (s *httpSender) dial(ctx context.Context) (err error) {
	dialer := &net.Dialer{Timeout: s.timeout}
	if s.tls == nil {
		s.conn, err = dialer.DialContext(ctx, "tcp", s.address)
	} else {
		s.conn, err = (&tls.Dialer{NetDialer: dialer, Config: s.tls}).DialContext(ctx, "tcp", s.address)
	}
	if err != nil {
		s.conn = nil
		return err
	}
	if s.in == nil {
		s.in = bufio.NewReaderSize(s.conn, 4096)
	}
	s.in.Reset(s.conn)
	return nil
}

func (s *httpSender) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

var errAnswer = errors.New("an answer that is no HTTP/1.1")

// answer reads an answer to its end, and whether it is the last on its connection.
func (s *httpSender) answer() (code int, last bool, err error) {
	line, err := s.line()
	if err != nil {
		return 0, true, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, true, errAnswer
	}
	if code, err = strconv.Atoi(string(line[9:12])); err != nil || code < 200 {
		return 0, true, errAnswer
	}
	length, chunked := 0, false
	for {
		if line, err = s.line(); err != nil {
			return 0, true, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxAnswer {
				return 0, true, errAnswer
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	s.body = s.body[:0]
	if !chunked {
		return code, last, s.piece(length)
	}
	return code, last, s.chunks()
}

// chunks reads a chunked body and what follows it.
func (s *httpSender) chunks() error {
	for {
		line, err := s.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || int(n)+len(s.body) > maxAnswer {
			return errAnswer
		}
		if err := s.piece(int(n)); err != nil {
			return err
		}
		if line, err = s.line(); err != nil || len(line) > 0 {
			return cmp.Or(err, errAnswer) // trailers are not sent
		}
		if n == 0 {
			return nil
		}
	}
}

// piece appends n bytes to the body.
func (s *httpSender) piece(n int) error {
	at := len(s.body)
	if cap(s.body) < at+n {
		s.body = append(make([]byte, 0, 2*(at+n)), s.body...)
	}
	s.body = s.body[:at+n]
	_, err := io.ReadFull(s.in, s.body[at:])
	return err
}

// line reads a line without its end; it is good until the next read.
func (s *httpSender) line() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
