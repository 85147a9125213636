// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package pii finds personal data in text and replaces it.
//
// One pass reads the text. A scanner jumps from one byte that may begin
// something (a digit, '@', ':', '=', or a word as long as a token) to the next;
// text without such bytes costs no more than reading it. What stands there is
// then checked exactly: an address by its syntax, a payment card by issuer,
// length and Luhn sum, a social security number by its rules, a telephone number
// by its country's plan, its shape or the words beside it, an account number by
// its country and check sum, a secret by its known beginning or the name before
// it. No regular expression is involved, but for patterns that the user adds.
//
// A text with a backslash is read as it is written and as it reads with the
// escapes of JSON resolved.
//
// To add an entity: a file with its check, a trigger in scan.go and a case in
// [scanner.at].
package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
