package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads a Compose file as docker compose does, with its schema and
// its checks of what refers to what, and asks dvproxy whether it would start.
func checkCompose(ctx context.Context, p proxy, file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(filepath.Dir(file)))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return err
	}
	service, err := project.GetService("dvproxy")
	if err != nil {
		return err
	}
	variables := map[string]string{}
	for name, value := range service.Environment {
		if value == nil {
			return fmt.Errorf("%s has no value", name)
		}
		variables[name] = *value
	}
	c := container{args: service.Command, variables: variables}
	known, err := newSecrets()
	if err != nil {
		return err
	}
	for _, s := range service.Secrets {
		target := s.Target
		if target == "" {
			target = "/run/secrets/" + s.Source
		}
		c.files = append(c.files, mount{path: target, text: known.example(s.Source), mode: 0o440, group: nonroot})
	}
	e, err := p.effective(ctx, c)
	return errors.Join(err, guarded(service), beside(project), p.probed(ctx, service), lets(service, e))
}

// guarded wants a container that can do no more than it has to.
func guarded(s types.ServiceConfig) error {
	var all []error
	want := func(ok bool, what string) {
		if !ok {
			all = append(all, fmt.Errorf("dvproxy: %s", what))
		}
	}
	want(s.ReadOnly, "wants read_only: true")
	want(slices.Contains(s.CapDrop, "ALL"), "wants cap_drop: [ALL]")
	want(slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "wants security_opt: [no-new-privileges:true]")
	want(s.MemLimit > 0, "wants a mem_limit")
	want(len(s.Secrets) > 0, "wants its secret as a file")
	want(len(s.Ports) == 0 || s.NetworkMode == "", "publishes a port")
	tmp := slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == "/tmp" && v.Type == types.VolumeTypeVolume })
	want(tmp, "wants a volume at /tmp for bodies")
	return errors.Join(all...)
}

// beside wants the job on dvproxy's network, and started once that is ready.
func beside(project *types.Project) error {
	job, err := project.GetService("job")
	if err != nil {
		return err
	}
	if job.NetworkMode != "service:dvproxy" || job.DependsOn["dvproxy"].Condition != types.ServiceConditionHealthy {
		return errors.New("job: wants network_mode: service:dvproxy and depends_on: dvproxy: condition: service_healthy")
	}
	return nil
}

// probed wants a health check that dvproxy understands.
func (p proxy) probed(ctx context.Context, s types.ServiceConfig) error {
	if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Test[0] != "CMD" {
		return errors.New("dvproxy: wants a healthcheck by CMD: there is no shell in the image")
	}
	return p.understands(ctx, s.HealthCheck.Test[1:])
}

// lets wants time enough to drain.
func lets(s types.ServiceConfig, e effective) error {
	if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < e.leaves()+spare {
		return fmt.Errorf("dvproxy: stop_grace_period must be %s at least", e.leaves()+spare)
	}
	return nil
}
