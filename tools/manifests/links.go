package main

import (
	"errors"
	"fmt"
	"maps"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// links wants what one object says of another to be so. The API server does not
// look: a wrong name is found out by what does not happen.
func (b *bundle) links() error {
	var all []error
	for _, p := range b.pods() {
		all = append(all, b.podLinks(p)...)
	}
	for _, o := range b.objects {
		for _, problem := range b.objectLinks(o) {
			all = append(all, fmt.Errorf("%s: %w", o.id, problem))
		}
	}
	for _, m := range b.monitors {
		for _, endpoint := range m.Spec.PodMetricsEndpoints {
			port := intstr.FromString(endpoint.Port)
			all = append(all, prefixed("PodMonitor/"+m.Name, b.reaches(&m.Spec.Selector, &port))...)
		}
	}
	return errors.Join(all...)
}

func prefixed(id string, err error) []error {
	if err == nil {
		return nil
	}
	return []error{fmt.Errorf("%s: %w", id, err)}
}

// podLinks looks at what a pod names. Secrets are the user's to make.
func (b *bundle) podLinks(p pod) (all []error) {
	wrong := func(format string, args ...any) {
		all = append(all, fmt.Errorf(p.id+": "+format, args...))
	}
	if name := p.template.Spec.ServiceAccountName; !b.named("ServiceAccount", name) {
		wrong("there is no ServiceAccount %q", name)
	}
	for _, v := range p.template.Spec.Volumes {
		if v.ConfigMap != nil && b.configMap(v.ConfigMap.Name) == nil {
			wrong("volume %s: there is no ConfigMap %q", v.Name, v.ConfigMap.Name)
		}
		if !p.mounts(v.Name) {
			wrong("volume %s is mounted nowhere", v.Name)
		}
	}
	for _, c := range p.containers() {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil && b.configMap(from.ConfigMapRef.Name) == nil {
				wrong("container %s: there is no ConfigMap %q", c.Name, from.ConfigMapRef.Name)
			}
		}
		for what, probe := range probes(c) {
			if probe.HTTPGet != nil && containerPort(c, probe.HTTPGet.Port) == 0 {
				wrong("container %s: %s: there is no port %s", c.Name, what, probe.HTTPGet.Port.String())
			}
		}
	}
	return all
}

func (p pod) mounts(volume string) bool {
	for _, c := range p.containers() {
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				return true
			}
		}
	}
	return false
}

// containerPort is the number of a port that a container declares; 0 if it does
// not.
func containerPort(c corev1.Container, port intstr.IntOrString) int32 {
	for _, declared := range c.Ports {
		if port.StrVal != "" && declared.Name == port.StrVal || port.IntVal != 0 && declared.ContainerPort == port.IntVal {
			return declared.ContainerPort
		}
	}
	return 0
}

// probes are those that a container has.
func probes(c corev1.Container) map[string]*corev1.Probe {
	all := map[string]*corev1.Probe{"startupProbe": c.StartupProbe, "readinessProbe": c.ReadinessProbe, "livenessProbe": c.LivenessProbe}
	maps.DeleteFunc(all, func(_ string, p *corev1.Probe) bool { return p == nil })
	return all
}

func (b *bundle) objectLinks(o object) (all []error) {
	add := func(err error) {
		if err != nil {
			all = append(all, err)
		}
	}
	switch w := o.written.(type) {
	case *corev1.Service:
		for _, port := range w.Spec.Ports {
			add(b.reaches(&metav1.LabelSelector{MatchLabels: w.Spec.Selector}, &port.TargetPort))
		}
	case *policyv1.PodDisruptionBudget:
		add(b.reaches(w.Spec.Selector, nil))
	case *autoscalingv2.HorizontalPodAutoscaler:
		if target := w.Spec.ScaleTargetRef; !b.named(target.Kind, target.Name) {
			add(fmt.Errorf("there is no %s %q to scale", target.Kind, target.Name))
		}
	case *networkingv1.NetworkPolicy:
		add(b.reaches(&w.Spec.PodSelector, nil))
		for _, rule := range w.Spec.Ingress {
			for _, port := range rule.Ports {
				add(b.reaches(&w.Spec.PodSelector, port.Port))
			}
		}
	}
	return all
}

// reaches wants a pod that a selector selects, with that port.
func (b *bundle) reaches(selector *metav1.LabelSelector, port *intstr.IntOrString) error {
	selects, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return err
	}
	selected := false
	for _, p := range b.pods() {
		if !selects.Matches(labels.Set(p.template.Labels)) {
			continue
		}
		selected = true
		for _, c := range p.containers() {
			if port == nil || containerPort(c, *port) != 0 {
				return nil
			}
		}
	}
	if !selected {
		return fmt.Errorf("no pod has the labels %s", selects)
	}
	return fmt.Errorf("no pod with the labels %s has a port %s", selects, port)
}
