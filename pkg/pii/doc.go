// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package pii finds personal data in text and replaces it.
//
// One pass reads the text. A scanner jumps from one byte that may begin
// something (a digit, '@') to the next; text without such bytes costs no more
// than reading it. What stands there is then checked exactly: an address by
// its syntax, a payment card by issuer, length and Luhn sum, a social security
// number by its rules, a telephone number by its country's plan, its shape or
// the words beside it. No regular expression is involved, but for patterns
// that the user adds.
//
// To add an entity: a file with its check, a trigger in scan.go and a case in
// [scanner.at].
package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
