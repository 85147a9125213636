package feedback

import (
	"testing"
	"time"
	"fmt"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

const sampleEvent = `{"type":"user_feedback","session_id":"s-1234567890","request_id":"550E8400-e29b-41d4-a716-446655440000","user_id":"user-42","rating":4.5,"thumbs":"up","comment":"The answer was helpful but it took a while; I would have liked a shorter summary and a link to the documentation, since the third paragraph repeats the first and the code sample misses an import, see above.","tags":["quality","latency"],"metadata":{"app":"chat","locale":"en"}}`

func TestSmoke(t *testing.T) {
	d := NewDecoder()
	v := &Validator{Limits: DefaultLimits()}
	for _, s := range []string{sampleEvent, `[` + sampleEvent + `,` + sampleEvent + `]`, `{"events":[` + sampleEvent + `]}`, `{"x":[{"a":1e999}],"type":"performance_metrics","tokens_input":5.0, "latency_ms":100000000000000000000000, "custom_metrics":{"a@b":1e22,"b":2}, "metadata":{"\r":1}}`, `[null,42,"x",[null]]`, `{"events":[]}`, `[]`, ``, `{"a":1,"a":2}`, `[{"type":"x"},{]`, `{"events":5}`} {
		logs := plog.NewLogRecordSlice()
		sizes, idx, err := d.Decode([]byte(s), FormatJSON, 100, logs)
		fmt.Println("----", sizes, idx, err)
		for i, lr := range logs.All() {
			fmt.Println(lr.Body().AsString())
			vd := v.Validate(lr, sizes[i], time.Now())
			fmt.Printf("%+v\n%s\n", vd, AppendJSON(nil, lr.Body()))
		}
	}
	logs := plog.NewLogRecordSlice()
	sizes, _, err := d.Decode([]byte("\n"+sampleEvent+"\n{bad\n\n{\"a\":1} x\n"+sampleEvent), FormatNDJSON, 100, logs)
	require.Nil(t, err)
	require.Len(t, sizes, 4)
}

func BenchmarkDecode(b *testing.B) {
	d := NewDecoder()
	body := []byte(sampleEvent)
	b.ReportAllocs()
	for b.Loop() {
		logs := plog.NewLogRecordSlice()
		if _, _, err := d.Decode(body, FormatJSON, 100, logs); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkAll(b *testing.B) {
	d := NewDecoder()
	v := &Validator{Limits: DefaultLimits()}
	body := []byte(sampleEvent)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		logs := plog.NewLogRecordSlice()
		sizes, _, err := d.Decode(body, FormatJSON, 100, logs)
		if err != nil {
			b.Fatal(err)
		}
		if vd := v.Validate(logs.At(0), sizes[0], time.Now()); vd.Refused() { b.Fatal(vd) }
		dst = AppendJSON(dst[:0], logs.At(0).Body())
	}
}
func BenchmarkScan(b *testing.B) {
	d := NewDecoder()
	body := []byte(sampleEvent)
	b.ReportAllocs()
	for b.Loop() {
		d.reset(body)
		for { if _, err := d.dec.ReadToken(); err != nil { break } }
	}
}
