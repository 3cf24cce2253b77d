package main

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// secure wants pods that a namespace with PodSecurity "restricted" admits, a
// namespace that asks for it, and of each container a read-only root and a limit
// of its memory, which PodSecurity does not ask for.
func (b *bundle) secure() error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var all []error
	for _, p := range b.pods() {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &p.template.ObjectMeta, &p.template.Spec))
		if !result.Allowed {
			all = append(all, fmt.Errorf("%s: not admitted by PodSecurity restricted: %s", p.id, result.ForbiddenDetail()))
		}
		if share := p.template.Spec.ShareProcessNamespace; share != nil && *share {
			all = append(all, fmt.Errorf("%s: shareProcessNamespace lets the job read dvproxy's environment", p.id))
		}
		for _, c := range p.containers() {
			if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				all = append(all, fmt.Errorf("%s: container %s: its root can be written to", p.id, c.Name))
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				all = append(all, fmt.Errorf("%s: container %s: wants requests of cpu and memory, and a limit of memory", p.id, c.Name))
			}
		}
	}
	return errors.Join(append(all, b.namespaced())...)
}

func (b *bundle) namespaced() error {
	for _, o := range b.objects {
		if n, ok := o.written.(*corev1.Namespace); ok && n.Labels[api.EnforceLevelLabel] == string(api.LevelRestricted) {
			return nil
		}
	}
	return fmt.Errorf("there is no Namespace with the label %s: %s", api.EnforceLevelLabel, api.LevelRestricted)
}
