package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const compose = root + "/deploy/compose"

func TestCompose(t *testing.T) {
	if err := checkCompose(t.Context(), built(t), compose+"/compose.yaml"); err != nil {
		t.Error(err)
	}
}

func TestComposeMistakes(t *testing.T) {
	p := built(t)
	for _, tt := range []struct{ file, old, with, want string }{
		{"compose.yaml", "network_mode:", "networkmode:", "networkmode"},
		{"compose.yaml", "service:dvproxy", "service:dvprox", "dvprox"},
		{"compose.yaml", "service_healthy", "service_healty", "service_healty"},
		{"compose.yaml", "service_healthy", "service_started", "service_healthy"},
		{"compose.yaml", "secrets: [client-secret]", "secrets: [client-secrets]", "undefined secret"},
		{"compose.yaml", "bodies:/tmp", "body:/tmp", "undefined volume"},
		{"compose.yaml", "bodies:/tmp", "bodies:/temp", "wants a volume at /tmp"},
		{"compose.yaml", "interval: 10s", "interval: 10 seconds", "interval"},
		{"compose.yaml", "/dvproxy, healthcheck", "/dvproxy, health", "health"},
		{"compose.yaml", "read_only: true", "read_only: sometimes", "read_only"},
		{"compose.yaml", "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop"},
		{"compose.yaml", "mem_limit: 64m", "mem_limits: 64m", "mem_limits"},
		{"compose.yaml", "stop_grace_period: 35s", "stop_grace_period: 10s", "must be 30s at least"},
		{"compose.yaml", "AZURE_CLIENT_SECRET_FILE: /run/secrets/client-secret", "AZURE_CLIENT_SECRET_FILE: /run/secrets/other", "does not exist"},
		{"dataverse.env", "AZURE_CLIENT_ID=", "AZURE_CLIENTID=", "knows no variable AZURE_CLIENTID"},
	} {
		t.Run(tt.with, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"compose.yaml", "dataverse.env"} {
				text, err := os.ReadFile(filepath.Join(compose, name))
				if err != nil {
					t.Fatal(err)
				}
				broken := string(text)
				if name == tt.file {
					if broken = strings.ReplaceAll(broken, tt.old, tt.with); broken == string(text) {
						t.Fatalf("%q is not in %s", tt.old, tt.file)
					}
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(broken), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := checkCompose(t.Context(), p, filepath.Join(dir, "compose.yaml"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want an error with %q, got: %v", tt.want, err)
			}
		})
	}
}
