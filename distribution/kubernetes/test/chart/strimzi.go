// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Strimzi publishes no Go types: these are the fields of kafka.strimzi.io/v1 that
// the examples use. Any other is an error.

const strimziGroup = "kafka.strimzi.io"

// KafkaTopic is a topic of Strimzi's topic operator.
type KafkaTopic struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		TopicName  string         `json:"topicName,omitempty"`
		Partitions int32          `json:"partitions"`
		Replicas   int16          `json:"replicas"`
		Config     map[string]any `json:"config,omitempty"`
	} `json:"spec"`
}

// KafkaUser is a user of Strimzi's user operator.
type KafkaUser struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Authentication struct {
			Type string `json:"type"`
		} `json:"authentication"`
		Authorization struct {
			Type string `json:"type"`
			ACLs []ACL  `json:"acls"`
		} `json:"authorization"`
	} `json:"spec"`
}

// ACL is what a user may do with a resource.
type ACL struct {
	Resource struct {
		Type        string `json:"type"`
		Name        string `json:"name"`
		PatternType string `json:"patternType"`
	} `json:"resource"`
	Operations []string `json:"operations"`
}

func decodeStrimzi(u *unstructured.Unstructured) error {
	text, err := yaml.Marshal(u.Object)
	if err != nil {
		return err
	}
	var errs []error
	if u.GetAPIVersion() != strimziGroup+"/v1" {
		errs = append(errs, fmt.Errorf("apiVersion %s", u.GetAPIVersion()))
	}
	if u.GetLabels()["strimzi.io/cluster"] == "" {
		errs = append(errs, errors.New("no label strimzi.io/cluster: no operator looks at it"))
	}
	switch u.GetKind() {
	case "KafkaTopic":
		var t KafkaTopic
		errs = append(errs, yaml.UnmarshalStrict(text, &t))
	case "KafkaUser":
		var user KafkaUser
		errs = append(errs, yaml.UnmarshalStrict(text, &user), user.validate())
	default:
		errs = append(errs, fmt.Errorf("unknown kind %s", u.GetKind()))
	}
	return errors.Join(errs...)
}

func (u *KafkaUser) validate() error {
	var errs []error
	check := func(what, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s %q", what, value))
		}
	}
	check("authentication", u.Spec.Authentication.Type, "tls", "tls-external", "scram-sha-512")
	check("authorization", u.Spec.Authorization.Type, "simple")
	for _, acl := range u.Spec.Authorization.ACLs {
		check("resource", acl.Resource.Type, "topic", "group", "cluster", "transactionalId")
		check("patternType", acl.Resource.PatternType, "literal", "prefix")
		for _, op := range acl.Operations {
			check("operation", op, "Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction",
				"AlterConfigs", "DescribeConfigs", "IdempotentWrite", "All")
		}
	}
	return errors.Join(errs...)
}
