package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// A kubelet runs a workload's pod once with podman, as a cluster's would: sidecars
// first, each until its startupProbe has passed; then the containers in order,
// each after the one before has ended its postStart; and when all of those have
// ended, SIGTERM for the sidecars. Podman's own kube play knows none of that. Images
// are those of the same name with the tag test.
type kubelet struct {
	pod    string // of podman, which is there already
	volume string // folder for volumes
	say    func(format string, args ...any)
}

// play runs the first workload of a folder, and wants every container to exit 0.
func play(ctx context.Context, k kubelet, folder string) error {
	b, err := build(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return err
	}
	workload := b.pods()[0]
	spec := workload.template.Spec
	var sidecars []corev1.Container
	for _, c := range spec.InitContainers {
		if err := k.start(ctx, b, workload, c); err != nil {
			return err
		}
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			return fmt.Errorf("%s is no sidecar", c.Name)
		}
		if err := k.probe(ctx, c); err != nil {
			return err
		}
		sidecars = append(sidecars, c)
	}
	for _, c := range spec.Containers {
		if err := k.start(ctx, b, workload, c); err != nil {
			return err
		}
	}
	var all []error
	var jobEnded time.Time
	for _, c := range slices.Backward(spec.Containers) { // the job is the last of them
		all = append(all, k.ended(ctx, c))
		if jobEnded.IsZero() {
			jobEnded = time.Now()
		}
	}
	for _, c := range slices.Backward(sidecars) {
		k.say("%s: SIGTERM", c.Name)
		_, err := k.podman(ctx, "stop", "--time", strconv.FormatInt(*spec.TerminationGracePeriodSeconds, 10), k.name(c))
		all = append(all, err, k.ended(ctx, c))
	}
	if took := time.Since(jobEnded); took > leaving {
		all = append(all, fmt.Errorf("dvproxy left %s after the job, want %s at most", took, leaving))
	}
	return errors.Join(all...)
}

func (k kubelet) name(c corev1.Container) string { return k.pod + "-" + c.Name }

func (k kubelet) podman(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "podman", args...).CombinedOutput() //nolint:gosec // from manifests
	if err != nil {
		return "", fmt.Errorf("podman %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// start starts a container and waits for its postStart.
func (k kubelet) start(ctx context.Context, b *bundle, workload pod, c corev1.Container) error {
	files, variables, err := b.mounted(workload, c)
	if err != nil {
		return err
	}
	at := filepath.Join(k.volume, k.name(c))
	if err := furnish(at, files); err != nil {
		return err
	}
	security := workload.template.Spec.SecurityContext
	memory := strconv.FormatInt(c.Resources.Limits.Memory().Value(), 10)
	args := []string{
		"run", "--detach", "--no-healthcheck", "--pod", k.pod, "--name", k.name(c),
		"--user", fmt.Sprintf("%d:%d", *security.RunAsUser, *security.RunAsGroup),
		"--group-add", strconv.FormatInt(*security.FSGroup, 10),
		"--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--memory", memory, "--memory-swap", memory,
	}
	for name, value := range variables {
		args = append(args, "--env", name+"="+value)
	}
	for _, m := range c.VolumeMounts {
		volume := filepath.Join(at, m.MountPath) + ":" + m.MountPath
		if m.ReadOnly {
			volume += ":ro"
		}
		args = append(args, "--volume", volume)
	}
	if len(c.Command) > 0 {
		args = append(args, "--entrypoint", `["`+strings.Join(c.Command, `","`)+`"]`)
	}
	if _, err := k.podman(ctx, append(append(args, "localhost/"+c.Image+":test"), c.Args...)...); err != nil {
		return err
	}
	k.say("%s: started", c.Name)
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil {
		return nil
	}
	if _, err := k.podman(ctx, append([]string{"exec", k.name(c)}, c.Lifecycle.PostStart.Exec.Command...)...); err != nil {
		return err
	}
	k.say("%s: postStart has ended", c.Name)
	return nil
}

// probe asks as the startupProbe says, by the pod's address, until it passes.
func (k kubelet) probe(ctx context.Context, c corev1.Container) error {
	p := c.StartupProbe
	init, err := k.podman(ctx, "inspect", "--format", "{{.State.Pid}}", k.name(c))
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://%s:%d%s", podAddress, containerPort(c, p.HTTPGet.Port), p.HTTPGet.Path)
	period := time.NewTicker(time.Duration(max(p.PeriodSeconds, 1)) * time.Second)
	defer period.Stop()
	for range p.FailureThreshold {
		ask := exec.CommandContext(ctx, "nsenter", "--net", "--target", init, "curl", "--silent", "--fail", "--max-time", "2", url) //nolint:gosec // the pod's own network
		if ask.Run() == nil {
			k.say("%s: startupProbe has passed", c.Name)
			return nil
		}
		select {
		case <-period.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s: the startupProbe never passed", c.Name)
}

// podAddress is one that the pod was given, and is not loopback.
const podAddress = "10.255.0.1"

// ended waits for a container, and wants it to exit 0.
func (k kubelet) ended(ctx context.Context, c corev1.Container) error {
	code, err := k.podman(ctx, "wait", k.name(c))
	if err != nil {
		return err
	}
	k.say("%s: exit %s", c.Name, code)
	if code != "0" {
		logs, _ := k.podman(ctx, "logs", "--tail", "10", k.name(c))
		return fmt.Errorf("%s: exit %s: %s", c.Name, code, logs)
	}
	return nil
}

// leaving is the longest from the end of the job to that of the pod. It is less than
// drain.timeout; dvproxy needs 2 s of it at most (drain.delay), and podman what it
// takes on this machine.
const leaving = 20 * time.Second

// since says things with the seconds that have passed.
func since(start time.Time) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(os.Stdout, "%6.2f s  "+format+"\n", append([]any{time.Since(start).Seconds()}, args...)...)
	}
}
