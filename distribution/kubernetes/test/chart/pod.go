// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Workload is the workload of a rendered chart, and what it is configured with.
type Workload struct {
	Object    runtime.Object
	Pod       corev1.PodTemplateSpec
	Collector corev1.Container
	Config    *corev1.ConfigMap
}

// FindWorkload finds the one workload among the objects.
func FindWorkload(objects []runtime.Object) (*Workload, error) {
	w := &Workload{}
	for _, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			w.Object, w.Pod = o, o.Spec.Template
		case *appsv1.StatefulSet:
			w.Object, w.Pod = o, o.Spec.Template
		case *appsv1.DaemonSet:
			w.Object, w.Pod = o, o.Spec.Template
		case *corev1.ConfigMap:
			if _, ok := o.Data["kubernetes.yaml"]; ok {
				w.Config = o
			}
		}
	}
	for _, c := range slices.Concat(w.Pod.Spec.Containers, w.Pod.Spec.InitContainers) {
		if c.Name == "collector" {
			w.Collector = c
		}
	}
	if w.Object == nil || w.Config == nil || w.Collector.Name == "" {
		return nil, fmt.Errorf("workload %T, configuration %v, collector %q", w.Object, w.Config != nil, w.Collector.Name)
	}
	return w, nil
}

// Env are the collector's variables, as the kubelet would set them in pod 0.
// A value from a Secret is the Secret's name and key.
func (w *Workload) Env() map[string]string {
	env := map[string]string{}
	for _, e := range w.Collector.Env {
		value := e.Value
		if from := e.ValueFrom; from != nil {
			switch {
			case from.SecretKeyRef != nil:
				value = from.SecretKeyRef.Name + "/" + from.SecretKeyRef.Key + "/long enough"
			case from.FieldRef != nil:
				value = map[string]string{
					"metadata.name": Release + "-0", "metadata.namespace": Namespace, "spec.nodeName": "node-1",
				}[from.FieldRef.FieldPath]
			}
		}
		for _, name := range slices.Sorted(maps.Keys(env)) {
			value = strings.ReplaceAll(value, "$("+name+")", env[name])
		}
		env[e.Name] = value
	}
	return env
}

// Write lays out the files of the ConfigMap in a folder and returns them in the
// order of the container's arguments.
func (w *Workload) Write(dir string) ([]string, error) {
	for name, text := range w.Config.Data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	var files []string
	for _, arg := range w.Collector.Args {
		name, ok := strings.CutPrefix(arg, "--config=/conf/")
		if _, there := w.Config.Data[name]; !ok || !there {
			return nil, fmt.Errorf("argument %q names no file of the ConfigMap", arg)
		}
		files = append(files, filepath.Join(dir, name))
	}
	return files, nil
}

// PreStop is the hook's command, with feedbackctl and the spool where they are here.
func (w *Workload) PreStop(feedbackctl, spool string) []string {
	if w.Collector.Lifecycle == nil {
		return nil
	}
	var command []string
	for _, arg := range w.Collector.Lifecycle.PreStop.Exec.Command {
		switch arg {
		case "/usr/bin/feedbackctl":
			arg = feedbackctl
		case w.Env()["COLLECTOR_SPOOL__DIRECTORY"]:
			arg = spool
		}
		command = append(command, arg)
	}
	return command
}

// DecodeAll decodes all documents of a text; kinds whose definition is not here are
// told by undefined, which may end the test.
func (d *Decoder) DecodeAll(text string, undefined func(error)) ([]runtime.Object, error) {
	docs, err := Documents(text)
	if err != nil {
		return nil, err
	}
	var objects []runtime.Object
	for _, doc := range docs {
		object, err := d.Decode(doc)
		if IsUndefined(err) {
			undefined(err)
			err = nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, doc)
		}
		objects = append(objects, object)
	}
	return objects, nil
}
