// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/sender"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/source"
	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tlsflags"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

const (
	defaultEndpoint = "http://localhost:8080"
	feedbackPath    = "/v1/feedback"
	maxBatch        = 10_000
)

type sendFlags struct {
	endpoint, token, tokenFile string
	headers                    []string
	tls                        tlsflags.Flags
	file, format               string
	samples                    int
	seed                       uint64
	batch                      int
	gzip                       bool
	retryFor, timeout          time.Duration
	maxErrors                  int
}

func newSendCommand(s streams) *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send [EVENT...]",
		Short: "Send feedback events to a collector over HTTP",
		Long: `Send feedback events to a collector over HTTP.

Events are JSON objects. They come from the arguments, from --file, from the
sample generator, or else from standard input: one object, an array,
{"events": [...]}, objects one after the other, or one event a line. A file of
any size is read as it is sent.

An event without event_id gets one here, so that one sent twice because an answer
was lost can be recognised. After 429, 503 or a lost connection the same request
is sent again, when the collector says so, for at most --retry-for.

The exit code is 0 if every event was accepted, 1 if some were refused (a table
says which and why), 2 if the collector cannot be reached or the command line is
wrong.`,
		Example: `  feedbackctl send '{"type":"user_feedback","session_id":"s-1","request_id":"0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b","thumbs":"up"}'
  feedbackctl send --file events.ndjson --batch 500
  jq -c '.events[]' export.json | feedbackctl send
  feedbackctl send --sample 1000 --seed 7
  feedbackctl send --endpoint https://collector.example --token-file token --file events.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.file, "file", "f", "", "file to read events from; - is standard input")
	fs.StringVar(&f.format, "format", source.FormatAuto, "what a file or standard input holds: json, ndjson (one event a line), or auto to find out")
	fs.IntVar(&f.samples, "sample", 0, "send so many made-up, realistic events of all types")
	fs.Uint64Var(&f.seed, "seed", 0, "choose the made-up events; by default others each time")
	fs.StringVarP(&f.endpoint, "endpoint", "e", defaultEndpoint, "the collector's address; "+feedbackPath+" is added")
	fs.StringVar(&f.token, "token", "", "bearer token; others on this machine may see it in the list of processes")
	fs.StringVar(&f.tokenFile, "token-file", "", "file with the bearer token")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, `header for every request, "Name: value"; may be repeated`)
	f.tls.Register(fs, "", "")
	fs.IntVar(&f.batch, "batch", 100, "events in a request, 1 to 10000")
	fs.BoolVar(&f.gzip, "gzip", true, "compress requests")
	fs.DurationVar(&f.retryFor, "retry-for", time.Minute, "how long to try a request again; 0 tries once")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for one answer")
	fs.IntVar(&f.maxErrors, "max-errors", 100, "how many reasons of refusal to print")
	cmd.MarkFlagsMutuallyExclusive("token", "token-file")
	cmd.MarkFlagsMutuallyExclusive("file", "sample")
	return cmd
}

func (f *sendFlags) run(ctx context.Context, s streams, args []string) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	defer cfg.Client.CloseIdleConnections()
	src, closeSource, err := f.source(s, args)
	if err != nil {
		return err
	}
	defer closeSource()

	progress := console.NewProgress(s.err)
	cfg.Progress = func(t sender.Totals) {
		progress.Update(func(elapsed time.Duration) string {
			return fmt.Sprintf("%d sent, %d refused, %.0f/s", t.Sent(), t.Rejected, float64(t.Sent())/elapsed.Seconds())
		})
	}
	last := ""
	cfg.Notice = func(text string) {
		if text != last {
			progress.Clear()
			fmt.Fprintln(s.err, console.Clean(text))
			last = text
		}
	}
	result, err := sender.New(*cfg).Send(ctx, src)
	progress.Clear()
	if err == nil || result.Sent() > 0 {
		report(s, result)
	}
	if err == nil && result.Rejected > 0 {
		return errRejected
	}
	return err
}

// source opens what the flags and arguments name.
func (f *sendFlags) source(s streams, args []string) (source.Source, func(), error) {
	none := func() {}
	switch {
	case f.samples < 0:
		return nil, nil, usagef("--sample: must not be negative")
	case len(args) > 0 && (f.file != "" || f.samples > 0):
		return nil, nil, usagef("give events as arguments or with --file or --sample, not both")
	case f.format != source.FormatAuto && f.format != source.FormatJSON && f.format != source.FormatNDJSON:
		return nil, nil, usagef("--format %q: use auto, json or ndjson", f.format)
	case len(args) > 0:
		src, err := source.FromArgs(args)
		return src, none, err
	case f.samples > 0:
		if f.seed == 0 {
			f.seed = uint64(time.Now().UnixNano())
		}
		return source.FromSample(f.samples, sample.New(f.seed)), none, nil
	case f.file != "" && f.file != "-":
		file, err := os.Open(f.file)
		if err != nil {
			return nil, nil, fmt.Errorf("--file: %w", err)
		}
		src, err := source.FromReader(file, f.file, f.format)
		if err != nil {
			_ = file.Close()
			return nil, nil, err
		}
		return src, func() { _ = file.Close() }, nil
	}
	if console.IsTerminal(s.in) {
		fmt.Fprintln(s.err, "Reading events from standard input; end with Ctrl-D.")
	}
	src, err := source.FromReader(s.in, "standard input", f.format)
	return src, none, err
}

func (f *sendFlags) config() (*sender.Config, error) {
	if f.batch < 1 || f.batch > maxBatch {
		return nil, usagef("--batch: must lie between 1 and %d", maxBatch)
	}
	if f.retryFor < 0 || f.timeout <= 0 || f.maxErrors < 0 {
		return nil, usagef("--retry-for and --max-errors must not be negative, --timeout must be positive")
	}
	address, err := feedbackURL(f.endpoint)
	if err != nil {
		return nil, err
	}
	header, err := f.header()
	if err != nil {
		return nil, err
	}
	tlsConfig, err := f.tls.Config()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	return &sender.Config{
		URL:    address,
		Header: header,
		Client: &http.Client{
			Transport: transport,
			Timeout:   f.timeout,
			// A redirected POST would arrive as a GET, or the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		BatchEvents: f.batch,
		Gzip:        f.gzip,
		RetryFor:    f.retryFor,
		MaxRejects:  f.maxErrors,
	}, nil
}

// feedbackURL completes an address: scheme and path may be left out.
func feedbackURL(endpoint string) (string, error) { return endpointURL(endpoint, feedbackPath) }

func endpointURL(endpoint, wanted string) (string, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usagef("--endpoint: must be http(s)://host:port")
	}
	if path := strings.TrimRight(u.Path, "/"); !strings.HasSuffix(path, wanted) {
		u.Path = path + wanted
	}
	return u.String(), nil
}

func (f *sendFlags) header() (http.Header, error) {
	header := http.Header{"User-Agent": {"feedbackctl/" + version}}
	for i, h := range f.headers {
		name, value, ok := strings.Cut(h, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, usagef(`--header number %d: must be "Name: value"`, i+1)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	token := f.token
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		if token = strings.TrimSpace(string(text)); token == "" {
			return nil, fmt.Errorf("--token-file: %s is empty", f.tokenFile)
		}
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return header, nil
}

// report writes what became of the events.
func report(s streams, r *sender.Result) {
	fmt.Fprintf(s.out, "accepted %d, refused %d", r.Accepted, r.Rejected)
	if r.Retries > 0 {
		fmt.Fprintf(s.out, ", requests sent again %d", r.Retries)
	}
	fmt.Fprintln(s.out)
	for _, id := range r.IDs {
		fmt.Fprintln(s.out, console.Clean(id))
	}
	if len(r.Rejects) > 0 {
		fmt.Fprintln(s.out)
		reportRejects(s.out, r.Rejects)
	}
	if r.MoreRejects {
		fmt.Fprintln(s.out, "… and more reasons that are not shown")
	}
}

func reportRejects(out io.Writer, rejects []sender.Reject) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "EVENT\tCODE\tFIELD\tMESSAGE")
	for _, r := range rejects {
		field := r.Field
		if field == "" {
			field = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Where, console.Clean(r.Code), console.Clean(field), console.Clean(r.Message))
	}
	_ = table.Flush() // as with every line above: who does not read misses it
}
