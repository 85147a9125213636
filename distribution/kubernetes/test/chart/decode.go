// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// CRDsEnv names the folder with the definitions of custom resources.
const CRDsEnv = "FEEDBACK_CRDS"

// Documents are the documents of a YAML file; those without content are left out.
func Documents(text string) ([]string, error) {
	var docs []string
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		var content map[string]any
		if err := yaml.UnmarshalStrict(doc, &content); err != nil {
			return nil, err
		}
		if len(content) > 0 {
			docs = append(docs, string(doc))
		}
	}
}

// Decoder decodes objects strictly: what its type does not know is an error.
type Decoder struct {
	builtin runtime.Decoder
	custom  map[string]*custom
}

type custom struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
}

// NewDecoder knows Kubernetes' own types, Strimzi's that are in use here, and the
// definitions of custom resources in the files.
func NewDecoder(crds []string) (*Decoder, error) {
	d := &Decoder{
		builtin: serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer(),
		custom:  map[string]*custom{},
	}
	for _, path := range crds {
		if err := d.define(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return d, nil
}

// CRDs are the files with definitions of custom resources; none if the folder is not named.
func CRDs() ([]string, error) {
	if os.Getenv(CRDsEnv) == "" {
		return nil, nil
	}
	return filepath.Glob(filepath.Join(os.Getenv(CRDsEnv), "*.yaml"))
}

func (d *Decoder) define(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &v1); err != nil {
		return err
	}
	var crd apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &crd, nil); err != nil {
		return err
	}
	for _, version := range crd.Spec.Versions {
		crdSchema := version.Schema
		if crdSchema == nil { // one for all versions
			crdSchema = crd.Spec.Validation
		}
		structural, err := schema.NewStructural(crdSchema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		validator, _, err := validation.NewSchemaValidator(crdSchema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		d.custom[crd.Spec.Group+"/"+version.Name+"/"+crd.Spec.Names.Kind] = &custom{structural, validator}
	}
	return nil
}

// errNoDefinition is said of a custom resource whose definition is not there.
var errNoDefinition = errors.New("no definition of this custom resource is here")

// IsUndefined tells whether an object was not decoded for want of its definition.
func IsUndefined(err error) bool { return errors.Is(err, errNoDefinition) }

// Decode decodes one document.
func (d *Decoder) Decode(doc string) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(doc), &u.Object); err != nil {
		return nil, err
	}
	group := u.GroupVersionKind().Group
	switch {
	case group == strimziGroup:
		return u, decodeStrimzi(u)
	case !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io"):
		object, _, err := d.builtin.Decode([]byte(doc), nil, nil)
		return object, err
	}
	known := d.custom[u.GetAPIVersion()+"/"+u.GetKind()]
	if known == nil {
		return u, fmt.Errorf("%s %s: %w", u.GetAPIVersion(), u.GetKind(), errNoDefinition)
	}
	var errs []error
	for _, e := range validation.ValidateCustomResource(nil, u.Object, known.validator) {
		errs = append(errs, e)
	}
	pruned := u.DeepCopy().Object
	for _, path := range pruning.PruneWithOptions(pruned, known.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		errs = append(errs, fmt.Errorf("unknown field %q", path))
	}
	return u, errors.Join(errs...)
}
