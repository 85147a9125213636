// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// fate is what the outcome of one attempt means for one record.
type fate int

const (
	// delivered: the broker acknowledged the record with acks=all.
	delivered fate = iota
	// refused: the broker will never take what it was sent. Kafka says so of a
	// whole batch, and the client passes it on to all it holds for the partition:
	// only for a record that was sent alone it is the last word.
	refused
	// returned: the record came back for a reason that time or an operator can
	// mend. It is produced again, without end.
	returned
)

// refusals are the errors that speak about the record itself, operatorErrors
// those that need a person: they turn the exporter's status. All others can heal
// by themselves: what is not known here is never given up.
var refusals, operatorErrors = errorsOf(toDeadLetter), errorsOf(toOperator)

func errorsOf(t treatment) (out []*kerr.Error) {
	for _, v := range verdicts {
		if v.treatment == t {
			out = append(out, v.err)
		}
	}
	return out
}

// tooLarge are the refusals that a smaller record would not meet.
var tooLarge = []*kerr.Error{kerr.MessageTooLarge, kerr.RecordListTooLarge}

func fateOf(err error) fate {
	switch {
	case err == nil:
		return delivered
	case isOneOf(err, refusals):
		return refused
	default:
		return returned
	}
}

func isOneOf(err error, list []*kerr.Error) bool {
	var k *kerr.Error
	if !errors.As(err, &k) {
		return false
	}
	for _, e := range list {
		if e.Code == k.Code {
			return true
		}
	}
	return false
}

// reasonOf is Kafka's name of the error, and its words for it. Neither repeats
// anything of a record.
func reasonOf(err error) (name, words string) {
	var k *kerr.Error
	if errors.As(err, &k) {
		return k.Message, k.Description
	}
	return reasonOther, "The Kafka client could not send the record."
}

// reasonOther stands for errors that are not Kafka's.
const reasonOther = "CLIENT_ERROR"
