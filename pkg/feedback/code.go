// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

// Code is a stable, machine-readable reason why an event was refused.
type Code string

// The codes of the contract. A client may rely on each of them.
const (
	CodeMalformedJSON     Code = "malformed_json"     // not JSON, or not I-JSON (RFC 7493)
	CodeUnknownType       Code = "unknown_type"       // type is none of the five
	CodeMissingField      Code = "missing_field"      // a required field is absent, null or empty
	CodeInvalidType       Code = "invalid_type"       // another JSON type was expected
	CodeInvalidValue      Code = "invalid_value"      // not in the closed set, or a nil UUID or all-zero id
	CodeInvalidFormat     Code = "invalid_format"     // not a UUID, RFC 3339 time or hex id
	CodeOutOfRange        Code = "out_of_range"       // number or time outside its bounds
	CodeTooLong           Code = "too_long"           // string over its length
	CodeTooDeep           Code = "too_deep"           // nesting over the limit
	CodeTooLarge          Code = "too_large"          // event over its size
	CodeInvalidCharacters Code = "invalid_characters" // control character in a string
	CodeSchemaViolation   Code = "schema_violation"   // a rule across fields is broken
	CodeUnknownField      Code = "unknown_field"      // only with unknown_fields: reject
	CodeDuplicateEventID  Code = "duplicate_event_id" // event_id twice in one request
	CodeRedactionFailed   Code = "redaction_failed"   // personal data could not be removed
)

// Codes lists the codes, in the order of the contract.
func Codes() []Code {
	return []Code{
		CodeMalformedJSON, CodeUnknownType, CodeMissingField, CodeInvalidType, CodeInvalidValue,
		CodeInvalidFormat, CodeOutOfRange, CodeTooLong, CodeTooDeep, CodeTooLarge,
		CodeInvalidCharacters, CodeSchemaViolation, CodeUnknownField, CodeDuplicateEventID, CodeRedactionFailed,
	}
}

// Error says what is wrong with one event. Neither Field nor Message ever
// repeats a value of the event: it may be personal data.
type Error struct {
	// Code is the reason.
	Code Code
	// Field is the path of the field at fault (model_params.top_p, tags[3]);
	// empty when the event as a whole is.
	Field string
	// Message says what was expected.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Field == "" {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Field + ": " + e.Message
}
