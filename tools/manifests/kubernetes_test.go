package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	root      = "../.."
	manifests = root + "/deploy/kubernetes"
)

// built is dvproxy, built from the source around this module.
func built(t *testing.T) proxy {
	t.Helper()
	program := filepath.Join(t.TempDir(), "dvproxy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/proxy")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build dvproxy: %v\n%s", err, out)
	}
	return proxy{program: program, reference: root + "/docs/configuration.md"}
}

// inMemory is deploy/kubernetes, where it can be broken.
func inMemory(t *testing.T) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	err := filepath.WalkDir(manifests, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(manifests, name)
		return files.WriteFile("/"+filepath.ToSlash(relative), text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOverlays(t *testing.T) {
	p := built(t)
	overlays, err := filepath.Glob(manifests + "/overlays/*")
	if err != nil || len(overlays) < 5 {
		t.Fatalf("overlays %q, %v", overlays, err)
	}
	for _, o := range overlays {
		t.Run(filepath.Base(o), func(t *testing.T) {
			if err := checkFolder(t.Context(), p, filesys.MakeFsOnDisk(), o); err != nil {
				t.Error(err)
			}
		})
	}
}

const (
	cronjob = "overlays/cronjob/cronjob.yaml"
	quit    = "overlays/cronjob-quit/cronjob.yaml"
	gateway = "overlays/gateway/deployment.yaml"
)

// TestKubernetesMistakes breaks one file at a time, in one way at a time.
func TestKubernetesMistakes(t *testing.T) {
	p := built(t)
	for _, tt := range []struct {
		file, old, with string
		want            string
	}{
		{cronjob, "startingDeadlineSeconds:", "startDeadlineSeconds:", `unknown field "spec.startDeadlineSeconds"`},
		{cronjob, "failureThreshold: 300", "failureTreshold: 300", "failureTreshold"},
		{cronjob, "backoffLimit: 0", "backoffLimit: 0\n      backoffLimit: 1", "already defined"},
		{cronjob, "15 1 * * *", "15 25 * * *", "spec.schedule"},
		{cronjob, "Etc/UTC", "Mars/Olympus", "timeZone"},
		{cronjob, "restartPolicy: Never", "restartPolicy: Always", "restartPolicy"},
		{cronjob, "restartPolicy: Always", "restartPolicy: Sometimes", "restartPolicy"},
		{cronjob, "name: bodies, mountPath", "name: body, mountPath", `volumeMounts[2].name: Not found: "body"`},
		{cronjob, "mountPath: /state}", "mountPath: /tmp}", "must be unique"},
		{cronjob, "path: /readyz, port: admin", "path: /readyz, port: admni", "there is no port admni"},
		{cronjob, "path: /livez", "path: /readyz", "livenessProbe asks for /readyz"},
		{cronjob, "memory: 64Mi", "memory: 16Mi", "must be less than or equal to memory limit"},
		{cronjob, "memory: 64Mi", "memory: 64mb", "quantities must match"},
		{cronjob, "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot != true"},
		{cronjob, "drop: [ALL]", "drop: [NET_RAW]", "unrestricted capabilities"},
		{cronjob, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation != false"},
		{cronjob, "{type: RuntimeDefault}", "{type: Unconfined}", "seccompProfile"},
		{cronjob, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "its root can be written to"},
		{cronjob, "enableServiceLinks: false", "shareProcessNamespace: true", "shareProcessNamespace"},
		{cronjob, "terminationGracePeriodSeconds: 35", "terminationGracePeriodSeconds: 25", "want 30s"},
		{cronjob, "serviceAccountName: dvproxy", "serviceAccountName: dvprox", "there is no ServiceAccount"},
		{cronjob, "args: [serve,", "args: [server,", "not with serve"},
		{cronjob, "--config,", "--confg,", "unknown flag: --confg"},
		{cronjob, "/etc/dvproxy/dvproxy.yaml", "/etc/dvproxy/dvproxy.yml", "dvproxy.yml"},
		{cronjob, "AZURE_CLIENT_SECRET_FILE", "AZURE_CLIENT_SECERT_FILE", "knows no variable"},
		{cronjob, "AZURE_CLIENT_SECRET_FILE", "AZURE_CLIENT_SECRET", "secrets are files here"},
		{cronjob, "path: client-secret}", "path: secret}", "does not exist"},
		{cronjob, "defaultMode: 0400", "defaultMode: 0444", "every account on this machine may read"},
		{cronjob, "fsGroup: 65532", "fsGroupChangePolicy: Always", "permission denied"},
		{cronjob, "emptyDir: {sizeLimit: 1Gi}", "emptyDir: {medium: Memory, sizeLimit: 1Gi}", "counts against"},
		{"overlays/cronjob/dvproxy.yaml", "timeout: 25s", "timout: 25s", "timout"},
		{"overlays/cronjob/dvproxy.yaml", "/state/dvproxy", "/state", "state_dir"},
		{"overlays/cronjob/dvproxy.yaml", ":7081", "localhost:7081", "on localhost"},
		{"overlays/cronjob/dvproxy.yaml", ":7081", ":7082", "does not ask the admin listener"},
		{"overlays/cronjob/kustomization.yaml", "- name: dvproxy", "- name: dvprox", `there is no ConfigMap "dvproxy"`},
		{"overlays/cronjob/kustomization.yaml", "configMapGenerator", "configMapGenerater", "configMapGenerater"},
		{"base/dataverse.env", "AZURE_TENANT_ID", "AZURE_TENANT", "knows no variable"},
		{"base/dataverse.env", "https://contoso", "http://contoso", "https"},
		{"base/namespace.yaml", "enforce: restricted", "enforce: baseline", "no Namespace with the label"},
		{quit, "/dvproxy, wait,", "/dvproxy, await,", "await"},
		{quit, "--max, 5m", "--maximum, 5m", "unknown flag: --maximum"},
		{"overlays/cronjob-quit/dvproxy.yaml", "exit_after_idle: 30m", "exit_after_idle: 30 min", "exit_after_idle"},
		{gateway, "readinessProbe:", "readynessProbe:", "readynessProbe"},
		{gateway, "maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 0", "maxUnavailable"},
		{gateway, "containerPort: 7443", "containerPort: 7444", "ports"},
		{gateway, "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 35", "want 40s"},
		{"overlays/gateway/service.yaml", "targetPort: https", "targetPort: http", "has a port http"},
		{"overlays/gateway/service.yaml", "component: gateway", "component: gatway", "no pod has the labels"},
		{"overlays/gateway/horizontalpodautoscaler.yaml", "maxReplicas: 4", "maxReplicas: 1", "maxReplicas"},
		{"overlays/gateway/horizontalpodautoscaler.yaml", "name: dvproxy}", "name: dvprox}", "to scale"},
		{"overlays/gateway/poddisruptionbudget.yaml", "AlwaysAllow", "Always", "unhealthyPodEvictionPolicy"},
		{"overlays/gateway/networkpolicy.yaml", "0.0.0.0/0", "0.0.0.0", "cidr"},
		{"overlays/gateway/networkpolicy.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress, Outgress]", "policyTypes"},
		{"overlays/gateway/dvproxy.yaml", "tls.key", "tls.pem", "tls.key_file: the file does not exist"},
		{"overlays/gateway/dvproxy.yaml", "    clients:\n      - {id: nightly-import, secret_file: /run/secrets/clients/nightly-import}\n", "", "dangerously_allow_anyone"},
		{"components/podmonitor/podmonitor.yaml", "podMetricsEndpoints", "podMetricEndpoints", "podMetricEndpoints"},
		{"components/podmonitor/podmonitor.yaml", "port: admin", "port: metrics", "has a port metrics"},
		{"components/workload-identity/deployment.yaml", `azure.workload.identity/use: "true"`, `azure.workload.identity/use: "yes"`, "credential"},
	} {
		t.Run(tt.file+" "+tt.with, func(t *testing.T) {
			files := inMemory(t)
			text, err := files.ReadFile("/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			broken := strings.ReplaceAll(string(text), tt.old, tt.with)
			if broken == string(text) {
				t.Fatalf("%q is not in %s", tt.old, tt.file)
			}
			if err := files.WriteFile("/"+tt.file, []byte(broken)); err != nil {
				t.Fatal(err)
			}
			err = checkFolder(t.Context(), p, files, overlayWith(tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want an error with %q, got: %v", tt.want, err)
			}
		})
	}
}

// overlayWith is an overlay that has the file in it.
func overlayWith(file string) string {
	switch {
	case strings.HasPrefix(file, "overlays/"):
		return "/" + filepath.Dir(file)
	case strings.HasPrefix(file, "components/"):
		return "/overlays/gateway-workload-identity"
	}
	return "/overlays/cronjob"
}
