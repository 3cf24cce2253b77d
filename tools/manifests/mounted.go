package main

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A mount is a file, or a folder that the container may write to.
type mount struct {
	path   string
	text   string
	mode   fs.FileMode
	group  uint32
	folder bool
}

const identityToken = "/var/run/secrets/azure/tokens/azure-identity-token"

// mounted is what a kubelet would put before a container: files as they come
// from ConfigMaps and Secrets, with its modes and groups, and variables.
func (b *bundle) mounted(workload pod, c corev1.Container) (files []mount, variables map[string]string, err error) {
	volumes := map[string]corev1.Volume{}
	for _, v := range workload.template.Spec.Volumes {
		volumes[v.Name] = v
	}
	var group uint32
	if ids := groups(workload); len(ids) > 0 {
		group = ids[0]
	}
	known, err := newSecrets()
	if err != nil {
		return nil, nil, err
	}
	for _, m := range c.VolumeMounts {
		more, err := b.volume(volumes[m.Name], known, m.MountPath, group)
		if err != nil {
			return nil, nil, fmt.Errorf("volume %s: %w", m.Name, err)
		}
		files = append(files, more...)
	}
	if variables, err = b.variables(c); err != nil {
		return nil, nil, err
	}
	if workload.template.Labels["azure.workload.identity/use"] == "true" {
		files = append(files, mount{path: identityToken, text: "a.b.c", mode: 0o440, group: group})
		// As the webhook does; what is there already it leaves alone.
		for name, value := range map[string]string{
			"AZURE_CLIENT_ID": "11111111-1111-1111-1111-111111111111", "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000000",
			"AZURE_FEDERATED_TOKEN_FILE": identityToken, "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
		} {
			variables[name] = value
		}
	}
	return files, variables, nil
}

func (b *bundle) volume(v corev1.Volume, known secrets, at string, group uint32) (files []mount, err error) {
	switch {
	case v.EmptyDir != nil:
		if v.EmptyDir.SizeLimit == nil {
			return nil, fmt.Errorf("an emptyDir without a sizeLimit can fill the node's disk")
		}
		if v.EmptyDir.Medium != "" {
			return nil, fmt.Errorf("an emptyDir in memory counts against the container's limit")
		}
		return []mount{{path: at, mode: 0o777, group: group, folder: true}}, nil
	case v.ConfigMap != nil:
		c := b.configMap(v.ConfigMap.Name)
		if c == nil {
			return nil, nil // links has said so
		}
		for name, text := range c.Data {
			files = append(files, mount{path: path.Join(at, name), text: text, mode: 0o644, group: group})
		}
		return files, nil
	case v.Projected != nil && v.Projected.DefaultMode != nil:
		mode := fs.FileMode(*v.Projected.DefaultMode) //nolint:gosec // permissions
		if group != 0 {
			mode |= 0o440 // the kubelet lets fsGroup read, whatever the mode
		}
		for _, s := range v.Projected.Sources {
			if s.Secret == nil {
				return nil, fmt.Errorf("a projected source that is no secret")
			}
			for _, item := range s.Secret.Items {
				files = append(files, mount{path: path.Join(at, item.Path), text: known.example(item.Key), mode: mode, group: group})
			}
		}
		return files, nil
	}
	return nil, fmt.Errorf("secrets come as projected volumes with a defaultMode, and else there are ConfigMaps and emptyDirs here")
}

// variables are those of a container, with what ConfigMaps say.
func (b *bundle) variables(c corev1.Container) (map[string]string, error) {
	variables := map[string]string{}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			return nil, fmt.Errorf("container %s: secrets are files here, not variables", c.Name)
		}
		if m := b.configMap(from.ConfigMapRef.Name); m != nil {
			for name, value := range m.Data {
				variables[from.Prefix+name] = value
			}
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom != nil {
			return nil, fmt.Errorf("container %s: %s comes from elsewhere", c.Name, v.Name)
		}
		if strings.Contains(v.Name, "SECRET") && !strings.HasSuffix(v.Name, "_FILE") {
			return nil, fmt.Errorf("container %s: %s: secrets are files here, not variables", c.Name, v.Name)
		}
		variables[v.Name] = v.Value
	}
	return variables, nil
}
