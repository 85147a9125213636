package feedback

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Format of a request body.
type Format int

const (
	FormatJSON   Format = iota // one object, an array or {"events": […]}
	FormatNDJSON               // one event a line
	FormatSniff                // text/plain: either
)

// Decoder turns request bytes into log records. Not safe for concurrent use; pool with GetDecoder.
type Decoder struct{}

// Decode appends one log record per event of body to dst and returns the size of each event's JSON text.
// maxEvents bounds them (error CodeTooLarge on field "events").
// The error (then dst is untouched) is about the body as a whole; index is the event at which parsing stopped.
// Strings of the records do not alias body.
func (d *Decoder) Decode(body []byte, f Format, maxEvents int, dst plog.LogRecordSlice) (sizes []int, index int, err *Error) {
	return nil, 0, nil
}

// DecodeString replaces lr's string body by the event it holds. If it holds none, the body stays and ok is false.
func DecodeString(lr plog.LogRecord) (ok bool) { return false }

// AppendJSON appends the canonical JSON of an event (or any other value) to dst.
func AppendJSON(dst []byte, v pcommon.Value) []byte { return dst }

// PartitionKey returns the Kafka key of an event.
func PartitionKey(body pcommon.Map) string { return "" }

// Rewriter rewrites one text; it returns text itself if nothing is to change.
type Rewriter func(text string) (string, error)

// RewriteText calls rw for every free text of the event (contract §7), names of metadata, custom_metrics and unknown
// objects included, and replaces what it changes. With refused set, every string that did not pass its own
// field's rule counts as free text, and a body that is no map is rewritten as text.
func RewriteText(body pcommon.Value, refused bool, rw Rewriter) error { return nil }
