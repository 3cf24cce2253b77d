package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// A bundle is what a cluster would be given.
type bundle struct {
	objects  []object
	monitors []podMonitor
}

// An object is one of the API's own kinds, twice.
type object struct {
	id       string
	written  runtime.Object // as it is in the file
	internal runtime.Object // as the API server sees it, with defaults
}

// build makes a bundle of a folder, as kubectl kustomize does. Keys that the API
// does not know, and those that are there twice, are errors.
func build(files filesys.FileSystem, folder string) (*bundle, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		return nil, fmt.Errorf("kustomize: %w", err)
	}
	b := &bundle{}
	for _, r := range built.Resources() {
		if err := b.add(r); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", r.GetKind(), r.GetName(), err)
		}
	}
	if len(b.pods()) == 0 {
		return nil, fmt.Errorf("there is no workload in it")
	}
	return b, nil
}

func (b *bundle) add(r *resource.Resource) error {
	text, err := r.AsYAML()
	if err != nil {
		return err
	}
	if r.GetKind() == "PodMonitor" {
		var m podMonitor
		if err := yaml.UnmarshalStrict(text, &m); err != nil {
			return err
		}
		b.monitors = append(b.monitors, m)
		return nil
	}
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	written, _, err := codecs.UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	internal, _, err := codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	b.objects = append(b.objects, object{r.GetKind() + "/" + r.GetName(), written, internal})
	return nil
}

// A pod is what a workload starts.
type pod struct {
	id       string
	template *corev1.PodTemplateSpec
}

func (b *bundle) pods() (pods []pod) {
	for _, o := range b.objects {
		switch w := o.written.(type) {
		case *batchv1.CronJob:
			pods = append(pods, pod{o.id, &w.Spec.JobTemplate.Spec.Template})
		case *batchv1.Job:
			pods = append(pods, pod{o.id, &w.Spec.Template})
		case *appsv1.Deployment:
			pods = append(pods, pod{o.id, &w.Spec.Template})
		}
	}
	return pods
}

// containers are all containers of a pod, sidecars too.
func (p pod) containers() []corev1.Container {
	spec := p.template.Spec
	return append(append([]corev1.Container{}, spec.InitContainers...), spec.Containers...)
}

// configMap finds one by its name; nil if there is none.
func (b *bundle) configMap(name string) *corev1.ConfigMap {
	for _, o := range b.objects {
		if c, ok := o.written.(*corev1.ConfigMap); ok && c.Name == name {
			return c
		}
	}
	return nil
}

// named says whether there is an object of that kind and name.
func (b *bundle) named(kind, name string) bool {
	for _, o := range b.objects {
		m, err := meta.Accessor(o.written)
		if err == nil && m.GetName() == name && o.id == kind+"/"+name {
			return true
		}
	}
	return false
}
