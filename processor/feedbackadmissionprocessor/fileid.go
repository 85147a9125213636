// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Attributes that the filelog receiver sets on a line (the path if asked to
// with include_file_path, the offset with include_file_record_offset).
const (
	attrFilePath   = "log.file.path"
	attrFileName   = "log.file.name"
	attrFileOffset = "log.file.record_offset"

	fieldEventID = "event_id"
)

// scanned reports whether a file receiver says where the line was read.
func scanned(attributes pcommon.Map) bool {
	for _, name := range []string{attrFilePath, attrFileName} {
		if v, ok := attributes.Get(name); ok && v.Str() != "" {
			return true
		}
	}
	return false
}

// directoryOf returns the directory of the file a line was read from, "" if the
// path is not known. The file's name is of no use: a line that is read again
// after a crash may by then be in a file that was rotated.
func directoryOf(attributes pcommon.Map) string {
	v, ok := attributes.Get(attrFilePath)
	if !ok {
		return ""
	}
	path := v.Str()
	return path[:strings.LastIndexAny(path, `/\`)+1]
}

// identify gives the event of a scanned line an id that is the same whenever
// the line is read. Without an offset two equal lines could not be told apart;
// such an event gets its id, another each time, from validation.
func identify(lr plog.LogRecord, line string) {
	if lr.Body().Type() != pcommon.ValueTypeMap {
		return
	}
	event := lr.Body().Map()
	if id, ok := event.Get(fieldEventID); ok && id.Type() != pcommon.ValueTypeEmpty {
		return
	}
	offset, ok := lr.Attributes().Get(attrFileOffset)
	if !ok || offset.Type() != pcommon.ValueTypeInt {
		return
	}
	event.PutStr(fieldEventID, lineID(directoryOf(lr.Attributes()), offset.Int(), line))
}

// lineID is a UUIDv8 (RFC 9562, section 5.8): SHA-256 over the file's directory,
// the offset and the line, the lengths keeping them apart.
func lineID(directory string, offset int64, line string) string {
	h := sha256.New()
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(len(directory)))
	h.Write(number[:])
	_, _ = io.WriteString(h, directory)
	binary.BigEndian.PutUint64(number[:], uint64(offset))
	h.Write(number[:])
	_, _ = io.WriteString(h, line)

	var id uuid.UUID
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}
