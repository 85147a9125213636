// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package apiserver applies what the chart renders to a real kube-apiserver.
package apiserver

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-feedback/otelcol-feedback/distribution/kubernetes/test/chart"
)

// server is the API server that all tests of the package share.
type server struct {
	dynamic.Interface

	mapper meta.RESTMapper
}

func start(t *testing.T) *server {
	for _, name := range []string{"TEST_ASSET_KUBE_APISERVER", "TEST_ASSET_ETCD"} {
		if os.Getenv(name) == "" {
			chart.Missing(t, name+` names no program: run "make test-kubernetes", which builds it`)
		}
	}
	crds, err := chart.CRDs()
	require.NoError(t, err)
	require.NotEmpty(t, crds, "no definitions of custom resources")
	env := &envtest.Environment{CRDDirectoryPaths: crds, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, env.Stop()) })
	// Many objects, one client: no throttling.
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	require.NoError(t, err)
	version, err := disco.ServerVersion()
	require.NoError(t, err)
	t.Logf("kube-apiserver %s", version.GitVersion)
	return &server{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}
}

// apply is a server-side apply that refuses fields the server does not know.
func (s *server) apply(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	gvk := u.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	var resource dynamic.ResourceInterface = s.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = s.Resource(mapping.Resource).Namespace(u.GetNamespace())
	}
	force := true
	return resource.Patch(ctx, u.GetName(), types.ApplyPatchType, text, metav1.PatchOptions{
		FieldManager: "test", Force: &force, FieldValidation: metav1.FieldValidationStrict,
	})
}

func (s *server) namespace(t *testing.T, name, podSecurity string) {
	t.Helper()
	_, err := s.apply(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
			"name": name, "labels": map[string]any{"pod-security.kubernetes.io/enforce": podSecurity},
		},
	}})
	require.NoError(t, err)
}

func parse(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	docs, err := chart.Documents(text)
	require.NoError(t, err)
	require.NotEmpty(t, docs)
	var objects []*unstructured.Unstructured
	for _, doc := range docs {
		u := &unstructured.Unstructured{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(doc), &u.Object))
		objects = append(objects, u)
	}
	return objects
}

func TestAPIServer(t *testing.T) {
	s := start(t)
	values := chart.Values(t)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.Run("values "+name, func(t *testing.T) {
			podSecurity := "restricted"
			objects := parse(t, chart.Render(t, "--values", values[name]))
			for _, u := range objects {
				if u.GetKind() == "DaemonSet" {
					podSecurity = "privileged" // directories of the node
				}
			}
			s.namespace(t, name, podSecurity)
			for _, u := range objects {
				u.SetNamespace(name)
				got, err := s.apply(t.Context(), u)
				require.NoError(t, err, "%s %s", u.GetKind(), u.GetName())
				assert.NotEmpty(t, got.GetUID())
			}
			s.pod(t, name, objects)
		})
	}
	t.Run("manifests", func(t *testing.T) { s.files(t, "manifests/*.yaml") })
	t.Run("examples", func(t *testing.T) { s.files(t, "examples/*.yaml") })
	t.Run("refused", s.refused)
}

// pod makes a pod from the template: what admits pods (Pod Security) looks at no
// workload. Nothing schedules it.
func (s *server) pod(t *testing.T, namespace string, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, u := range objects {
		template, found, err := unstructured.NestedMap(u.Object, "spec", "template")
		require.NoError(t, err)
		if !found {
			continue
		}
		pod := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(template)}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName("pod")
		pod.SetNamespace(namespace)
		if u.GetKind() == "StatefulSet" {
			volumes, _, err := unstructured.NestedSlice(pod.Object, "spec", "volumes")
			require.NoError(t, err)
			volumes = append(volumes, map[string]any{"name": "data", "persistentVolumeClaim": map[string]any{"claimName": "data-0"}})
			require.NoError(t, unstructured.SetNestedSlice(pod.Object, volumes, "spec", "volumes"))
		}
		if _, named, _ := unstructured.NestedString(pod.Object, "spec", "priorityClassName"); named {
			unstructured.RemoveNestedField(pod.Object, "spec", "priorityClassName") // it would have to be there
		}
		_, err = s.apply(t.Context(), pod)
		require.NoError(t, err)
	}
}

// files applies files as they are.
func (s *server) files(t *testing.T, pattern string) {
	s.namespace(t, chart.Namespace, "privileged")
	files, err := filepath.Glob(filepath.Join(chart.Dir(), pattern))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, u := range parse(t, string(text)) {
			// Two modes have the same name: the workload of one does not become that of another.
			u.SetName(u.GetName() + "-" + filepath.Base(file)[:3])
			_, err := s.apply(t.Context(), u)
			require.NoError(t, err, "%s: %s %s", file, u.GetKind(), u.GetName())
		}
	}
}

// refused shows that the server refuses: a wrong field in each kind that is applied.
func (s *server) refused(t *testing.T) {
	s.namespace(t, "refused", "restricted")
	seen := map[string]bool{}
	values := chart.Values(t)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, u := range parse(t, chart.Render(t, "--values", values[name])) {
			if seen[u.GetKind()] {
				continue
			}
			seen[u.GetKind()] = true
			u.SetNamespace("refused")
			where := "spec"
			if _, ok := u.Object[where]; !ok {
				where = "metadata"
			}
			require.NoError(t, unstructured.SetNestedField(u.Object, "x", where, "replicaz"))
			_, err := s.apply(t.Context(), u)
			require.Error(t, err, u.GetKind())
			assert.Contains(t, err.Error(), "replicaz", u.GetKind())
		}
	}
	for _, kind := range []string{
		"ConfigMap", "Deployment", "StatefulSet", "DaemonSet", "Service", "ServiceAccount", "HorizontalPodAutoscaler",
		"PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject",
	} {
		assert.True(t, seen[kind], "no case renders a %s", kind)
	}

	// Pod Security refuses what the templates must not ask for.
	objects := parse(t, chart.Render(t, "--values", values["standalone"]))
	for _, u := range objects {
		if u.GetKind() != "Deployment" {
			continue
		}
		template, _, err := unstructured.NestedMap(u.Object, "spec", "template")
		require.NoError(t, err)
		pod := &unstructured.Unstructured{Object: template}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName("root")
		pod.SetNamespace("refused")
		require.NoError(t, unstructured.SetNestedField(pod.Object, true, "spec", "hostNetwork"))
		_, err = s.apply(t.Context(), pod)
		require.Error(t, err)
		assert.True(t, apierrors.IsForbidden(err), "%v", err)
	}
}
