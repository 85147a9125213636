// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import "bytes"

// What the parts of JSON text take in memory once decoded, in bytes: measured,
// rounded up.
const (
	unfoldedEvent  = 1280 // a record with room for its members, its verdict
	unfoldedObject = 224
	unfoldedArray  = 128
	unfoldedValue  = 48 // a member or an element; slices grow by doubling
	unfoldedMember = 80 // more, beyond the room that an object has from the start

	// fewMembers is how many commas an event of an array usually has at most.
	fewMembers = 64
)

// UnfoldedSize is about the memory, in bytes, that [Decoder.Decode] needs for a
// body of at most maxEvents events: for usual events three to four times their
// text, for an array of {} three hundred times. It looks at no more than how
// often brackets and commas stand in the text, strings included, so it errs
// upwards.
func UnfoldedSize(body []byte, maxEvents int) int64 {
	objects := int64(bytes.Count(body, []byte{'{'}))
	arrays := int64(bytes.Count(body, []byte{'['}))
	commas := int64(bytes.Count(body, []byte{','}))
	values := commas + objects + arrays
	events := max(objects, int64(bytes.Count(body, []byte{'\n'})))
	if commas > fewMembers*objects && bytes.HasPrefix(bytes.TrimLeft(body, jsonWhitespace), []byte{'['}) {
		events = commas // what stands between them may be no objects
	}
	events = min(events, int64(maxEvents)) + 1
	members := max(0, int64(bytes.Count(body, []byte{':'}))-eventCapacity*objects)
	return int64(len(body)) + events*unfoldedEvent + objects*unfoldedObject + arrays*unfoldedArray + values*unfoldedValue + members*unfoldedMember
}
