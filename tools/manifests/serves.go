package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A kubelet gives a container this much time to leave beyond what dvproxy was told
// to use.
const spare = 5 * time.Second

// serves asks dvproxy in each pod whether it would start there, and holds what the
// manifests say against what it says.
func (b *bundle) serves(ctx context.Context, p proxy) error {
	var all []error
	for _, workload := range b.pods() {
		found := false
		for _, c := range workload.containers() {
			if c.Image == "dvproxy" {
				found = true
				all = append(all, prefixed(workload.id, b.starts(ctx, p, workload, c))...)
			}
		}
		if !found {
			all = append(all, fmt.Errorf("%s: no container has the image dvproxy", workload.id))
		}
	}
	return errors.Join(all...)
}

func (b *bundle) starts(ctx context.Context, p proxy, workload pod, c corev1.Container) error {
	mounted, variables, err := b.mounted(workload, c)
	if err != nil {
		return err
	}
	e, err := p.effective(ctx, container{args: c.Args, variables: variables, files: mounted, groups: groups(workload)})
	if err != nil {
		return err
	}
	return errors.Join(agrees(workload, c, e), b.waits(ctx, p, c))
}

// waits tries the program's command lines in hooks.
func (b *bundle) waits(ctx context.Context, p proxy, c corev1.Container) error {
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil || c.Lifecycle.PostStart.Exec == nil {
		return nil
	}
	return p.understands(ctx, c.Lifecycle.PostStart.Exec.Command)
}

// agrees holds ports and times against the effective configuration.
func agrees(workload pod, c corev1.Container, e effective) error {
	var all []error
	admin := e.adminPort()
	for what, probe := range probes(c) {
		if probe.HTTPGet == nil || containerPort(c, probe.HTTPGet.Port) != admin {
			all = append(all, fmt.Errorf("%s does not ask the admin listener, port %d", what, admin))
			continue
		}
		if path := probe.HTTPGet.Path; path != "/readyz" && path != "/livez" || what == "livenessProbe" && path != "/livez" {
			all = append(all, fmt.Errorf("%s asks for %s", what, path))
		}
	}
	if c.LivenessProbe == nil {
		all = append(all, errors.New("there is no livenessProbe"))
	}
	if e.adminLocal() {
		all = append(all, errors.New("the kubelet does not reach the admin listener, which is on localhost"))
	}
	declared := map[int32]bool{}
	for _, port := range c.Ports {
		declared[port.ContainerPort] = true
	}
	open := maps.Clone(e.reachable())
	open[admin] = true
	if !maps.Equal(declared, open) {
		all = append(all, fmt.Errorf("ports %v are declared, and dvproxy listens for others on %v", declared, open))
	}
	grace := 30 * time.Second
	if s := workload.template.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	if least := e.leaves() + spare; grace < least {
		all = append(all, fmt.Errorf("terminationGracePeriodSeconds is %s, and dvproxy takes up to drain.delay + drain.timeout: want %s", grace, least))
	}
	return errors.Join(all...)
}

// groups are those that the container's process has, beside its own.
func groups(workload pod) (ids []uint32) {
	if s := workload.template.Spec.SecurityContext; s != nil && s.FSGroup != nil {
		ids = append(ids, uint32(*s.FSGroup)) //nolint:gosec // the API has validated it
	}
	return ids
}
