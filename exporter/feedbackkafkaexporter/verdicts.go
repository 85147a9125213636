// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import "github.com/twmb/franz-go/pkg/kerr"

// treatment is what an answer of Kafka means for the record it was given to.
type treatment string

const (
	// retry: time heals it. The record is sent again, without end.
	retry treatment = "retry"
	// toDeadLetter: the broker will never take what it was sent.
	toDeadLetter treatment = "dead letter"
	// toOperator: a person heals it. The record is sent again, without end, and the
	// exporter's status says what is wrong.
	toOperator treatment = "operator"
)

// verdict is the treatment of one error code, and why.
type verdict struct {
	err       *kerr.Error
	treatment treatment
	reason    string
}

// verdicts has every error code that Kafka's protocol knows, once.
// docs/kafka-errors.md is made from it.
var verdicts = []verdict{
	{kerr.UnknownServerError, retry, "the broker does not say what is wrong; nothing of it need be the record's fault"},
	{kerr.CorruptMessage, toDeadLetter, "the broker finds the record damaged, or without the key that a compacted topic asks for; the client has sent it with a checksum over a reliable connection"},
	{kerr.UnknownTopicOrPartition, toOperator, "the topic is missing, or the broker has not heard of it yet"},
	{kerr.LeaderNotAvailable, retry, "an election is under way"},
	{kerr.NotLeaderForPartition, retry, "the partition has moved; the client looks for its leader"},
	{kerr.RequestTimedOut, retry, "the replicas did not confirm in time; sending again cannot write twice"},
	{kerr.BrokerNotAvailable, retry, "the broker is starting or stopping"},
	{kerr.ReplicaNotAvailable, retry, "a replica is starting or moving"},
	{kerr.MessageTooLarge, toDeadLetter, "above max.message.bytes of the topic"},
	{kerr.NetworkException, retry, "the connection broke before the answer"},
	{kerr.CoordinatorLoadInProgress, retry, "the transaction coordinator is starting"},
	{kerr.CoordinatorNotAvailable, retry, "the transaction coordinator is being elected"},
	{kerr.NotCoordinator, retry, "the transaction coordinator has moved"},
	{kerr.InvalidTopicException, toOperator, "the topic cannot be written to: it is internal, or its name is not allowed"},
	{kerr.RecordListTooLarge, toDeadLetter, "above the largest segment of the topic"},
	{kerr.NotEnoughReplicas, retry, "fewer replicas in sync than min.insync.replicas; they come back"},
	{kerr.NotEnoughReplicasAfterAppend, retry, "the same, found out after writing; sending again cannot write twice"},
	{kerr.InvalidRequiredAcks, toOperator, "the broker does not know acks=all: it is no Kafka that keeps events"},
	{kerr.TopicAuthorizationFailed, toOperator, "the principal may not write to the topic"},
	{kerr.GroupAuthorizationFailed, toOperator, "the principal may not commit the sequence number of exactly-once"},
	{kerr.ClusterAuthorizationFailed, toOperator, "the principal may not write idempotently"},
	{kerr.InvalidTimestamp, toOperator, "the clock of this machine and that of the broker are too far apart for the topic: the client stamps records when it sends them"},
	{kerr.UnsupportedSaslMechanism, toOperator, "the broker does not know the configured way to log in"},
	{kerr.IllegalSaslState, toOperator, "the broker does not expect a login: its listener and the configuration differ"},
	{kerr.UnsupportedVersion, toOperator, "the broker is too old, or protocol_version too high"},
	{kerr.InvalidRequest, toOperator, "the broker does not understand the request: it is no Kafka, or something between changes what it gets"},
	{kerr.UnsupportedForMessageFormat, toOperator, "the topic keeps an old message format, which has no headers"},
	{kerr.PolicyViolation, toDeadLetter, "a policy of the brokers refuses what the record holds"},
	{kerr.OutOfOrderSequenceNumber, retry, "the broker has forgotten this producer; the client begins a new epoch"},
	{kerr.DuplicateSequenceNumber, retry, "the broker has the record; the client takes that as success"},
	{kerr.InvalidProducerEpoch, retry, "the client begins a new epoch"},
	{kerr.InvalidTxnState, retry, "the transaction is over; another is begun"},
	{kerr.InvalidProducerIDMapping, retry, "the coordinator has forgotten the transactional id; it is initialised again"},
	{kerr.InvalidTransactionTimeout, toOperator, "above transaction.max.timeout.ms of the brokers"},
	{kerr.ConcurrentTransactions, retry, "the last transaction is still being completed"},
	{kerr.TransactionCoordinatorFenced, retry, "the coordinator has moved"},
	{kerr.TransactionalIDAuthorizationFailed, toOperator, "the principal may not use the transactional id"},
	{kerr.OperationNotAttempted, retry, "something else of the same request failed"},
	{kerr.KafkaStorageError, retry, "a disk of the broker fails; another replica takes over"},
	{kerr.SaslAuthenticationFailed, toOperator, "the brokers refuse the credentials"},
	{kerr.UnknownProducerID, retry, "the broker has forgotten this producer; the client begins a new epoch"},
	{kerr.ReassignmentInProgress, retry, "the partition is moving"},
	{kerr.DelegationTokenExpired, toOperator, "the token that the brokers were shown has run out"},
	{kerr.ListenerNotFound, retry, "the leader has no listener of this name yet"},
	{kerr.FencedLeaderEpoch, retry, "the partition has a new leader"},
	{kerr.UnknownLeaderEpoch, retry, "the broker has not heard of the new leader yet"},
	{kerr.UnsupportedCompressionType, toOperator, "the brokers are too old for producer::compression"},
	{kerr.StaleBrokerEpoch, retry, "the broker is restarting"},
	{kerr.InvalidRecord, toDeadLetter, "the broker has looked at the record and refuses it"},
	{kerr.ThrottlingQuotaExceeded, retry, "a quota; the client waits as long as the broker says"},
	{kerr.ProducerFenced, retry, "another producer has the transactional id; which of them goes on is decided before anything is sent"},
	{kerr.UnknownTopicID, toOperator, "the topic was deleted, and perhaps made again"},
	{kerr.BrokerIDNotRegistered, retry, "the broker is starting"},
	{kerr.InconsistentTopicID, toOperator, "the topic was deleted and made again"},
	{kerr.TransactionalIDNotFound, retry, "the transactional id has expired; it is initialised again"},
	{kerr.NewLeaderElected, retry, "the partition has a new leader"},
	{kerr.TransactionAbortable, retry, "the transaction is aborted and begun again"},
	{kerr.RebootstrapRequired, retry, "the client knows none of the brokers any more and asks the configured ones"},

	// No broker answers these to a write.

	{kerr.OffsetOutOfRange, retry, notOurs},
	{kerr.InvalidFetchSize, retry, notOurs},
	{kerr.StaleControllerEpoch, retry, notOurs},
	{kerr.OffsetMetadataTooLarge, retry, notOurs},
	{kerr.IllegalGeneration, retry, notOurs},
	{kerr.InconsistentGroupProtocol, retry, notOurs},
	{kerr.InvalidGroupID, retry, notOurs},
	{kerr.UnknownMemberID, retry, notOurs},
	{kerr.InvalidSessionTimeout, retry, notOurs},
	{kerr.RebalanceInProgress, retry, notOurs},
	{kerr.InvalidCommitOffsetSize, retry, notOurs},
	{kerr.TopicAlreadyExists, retry, notOurs},
	{kerr.InvalidPartitions, retry, notOurs},
	{kerr.InvalidReplicationFactor, retry, notOurs},
	{kerr.InvalidReplicaAssignment, retry, notOurs},
	{kerr.InvalidConfig, retry, notOurs},
	{kerr.NotController, retry, notOurs},
	{kerr.SecurityDisabled, retry, notOurs},
	{kerr.LogDirNotFound, retry, notOurs},
	{kerr.DelegationTokenAuthDisabled, retry, notOurs},
	{kerr.DelegationTokenNotFound, retry, notOurs},
	{kerr.DelegationTokenOwnerMismatch, retry, notOurs},
	{kerr.DelegationTokenRequestNotAllowed, retry, notOurs},
	{kerr.DelegationTokenAuthorizationFailed, retry, notOurs},
	{kerr.InvalidPrincipalType, retry, notOurs},
	{kerr.NonEmptyGroup, retry, notOurs},
	{kerr.GroupIDNotFound, retry, notOurs},
	{kerr.FetchSessionIDNotFound, retry, notOurs},
	{kerr.InvalidFetchSessionEpoch, retry, notOurs},
	{kerr.TopicDeletionDisabled, retry, notOurs},
	{kerr.OffsetNotAvailable, retry, notOurs},
	{kerr.MemberIDRequired, retry, notOurs},
	{kerr.PreferredLeaderNotAvailable, retry, notOurs},
	{kerr.GroupMaxSizeReached, retry, notOurs},
	{kerr.FencedInstanceID, retry, notOurs},
	{kerr.EligibleLeadersNotAvailable, retry, notOurs},
	{kerr.ElectionNotNeeded, retry, notOurs},
	{kerr.NoReassignmentInProgress, retry, notOurs},
	{kerr.GroupSubscribedToTopic, retry, notOurs},
	{kerr.UnstableOffsetCommit, retry, notOurs},
	{kerr.ResourceNotFound, retry, notOurs},
	{kerr.DuplicateResource, retry, notOurs},
	{kerr.UnacceptableCredential, retry, notOurs},
	{kerr.InconsistentVoterSet, retry, notOurs},
	{kerr.InvalidUpdateVersion, retry, notOurs},
	{kerr.FeatureUpdateFailed, retry, notOurs},
	{kerr.PrincipalDeserializationFailure, retry, notOurs},
	{kerr.SnapshotNotFound, retry, notOurs},
	{kerr.PositionOutOfRange, retry, notOurs},
	{kerr.DuplicateBrokerRegistration, retry, notOurs},
	{kerr.InconsistentClusterID, retry, notOurs},
	{kerr.FetchSessionTopicIDError, retry, notOurs},
	{kerr.IneligibleReplica, retry, notOurs},
	{kerr.OffsetMovedToTieredStorage, retry, notOurs},
	{kerr.FencedMemberEpoch, retry, notOurs},
	{kerr.UnreleasedInstanceID, retry, notOurs},
	{kerr.UnsupportedAssignor, retry, notOurs},
	{kerr.StaleMemberEpoch, retry, notOurs},
	{kerr.MismatchedEndpointType, retry, notOurs},
	{kerr.UnsupportedEndpointType, retry, notOurs},
	{kerr.UnknownControllerID, retry, notOurs},
	{kerr.UnknownSubscriptionID, retry, notOurs},
	{kerr.TelemetryTooLarge, retry, notOurs},
	{kerr.InvalidRegistration, retry, notOurs},
	{kerr.InvalidRecordState, retry, notOurs},
	{kerr.ShareSessionNotFound, retry, notOurs},
	{kerr.InvalidShareSessionEpoch, retry, notOurs},
	{kerr.FencedStateEpoch, retry, notOurs},
	{kerr.InvalidVoterKey, retry, notOurs},
	{kerr.DuplicateVoter, retry, notOurs},
	{kerr.VoterNotFound, retry, notOurs},
	{kerr.InvalidRegularExpression, retry, notOurs},
	{kerr.StreamsInvalidTopology, retry, notOurs},
	{kerr.StreamsInvalidTopologyEpoch, retry, notOurs},
	{kerr.StreamsTopologyFenced, retry, notOurs},
	{kerr.ShareSessionLimitReached, retry, notOurs},
	{kerr.GroupDeletionFailed, retry, notOurs},
	{kerr.StreamsTopologyDescriptionUpdateFailed, retry, notOurs},
	{kerr.ControllerIDNotRegistered, retry, notOurs},
}

// notOurs is the reason for codes of other requests.
const notOurs = "not an answer to a write; what is not expected is never given up"
