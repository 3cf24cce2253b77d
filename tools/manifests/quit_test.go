package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestQuit runs the job's last word: whatever the job's end, its exit code is the
// container's, dvproxy is told, and a pod that has to go tells the job.
func TestQuit(t *testing.T) {
	for _, tt := range []struct {
		name, job string
		signal    bool
		want      int
	}{
		{name: "done", job: "echo started", want: 0},
		{name: "failed", job: "echo started; exit 7", want: 7},
		{name: "killed", job: "echo started; kill -9 $$", want: 137},
		{name: "told to go", job: "trap 'exit 5' TERM; echo started; while :; do sleep 0.05; done", signal: true, want: 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			programs, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
			for name, text := range map[string]string{"nightly-import": tt.job, "curl": `echo "$@" >>` + log} {
				if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			command := lastWord(t)
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Env = []string{"PATH=" + programs + ":" + os.Getenv("PATH")}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
				t.Fatalf("the job says %q, %v", line, err)
			}
			if tt.signal {
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait() // its exit code tells
			if got := cmd.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
			said, _ := os.ReadFile(log)
			if !strings.Contains(string(said), "-X POST http://localhost:7081/quitquitquit") {
				t.Errorf("curl was called with %q", said)
			}
		})
	}
}

// lastWord is the command of the job's container in the overlay for clusters without
// native sidecars.
func lastWord(t *testing.T) []string {
	t.Helper()
	b, err := build(filesys.MakeFsOnDisk(), manifests+"/overlays/cronjob-quit")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.pods()[0].containers() {
		if c.Name == "nightly-import" {
			return append(c.Command, c.Args...)
		}
	}
	t.Fatal("there is no container nightly-import")
	return nil
}
