package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dvproxy/internal/config"
)

// An address that one reload has closed can be opened by the next, though its
// listener may still be waiting for what is on its way.
func TestReloadBackToAnAddress(t *testing.T) {
	dir := t.TempDir()
	one, other := oneEnvironment("unix:"+filepath.Join(dir, "1")), oneEnvironment("unix:"+filepath.Join(dir, "2"))
	r := newReloaded(t, one)
	for _, yaml := range []string{other, one, other, one} {
		r.log.take()
		r.reload(t, yaml)
		if log := r.log.take(); !strings.Contains(log, "configuration reloaded") {
			t.Fatal(log)
		}
	}
}

// A file that does not answer, as on a share that is gone, does not keep the
// process from ending.
func TestReloadThatHangs(t *testing.T) {
	r := newReloaded(t, oneEnvironment("unix:"+filepath.Join(t.TempDir(), "s")))
	begun, answers := make(chan struct{}), make(chan struct{})
	defer close(answers)
	r.read = func() (*config.Config, error) {
		close(begun)
		<-answers
		return nil, errors.New("too late")
	}
	ctx, end := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		end(errors.New("told to end"))
	}()
	r.service.reload(ctx)
	if log := r.log.take(); !strings.Contains(log, "not reloaded") || !strings.Contains(log, "told to end") {
		t.Error(log)
	}
}

// It is logged where each environment is to be had, when that has changed, though
// no listener came.
func TestReloadTellsWhereEnvironmentsAre(t *testing.T) {
	dir := t.TempDir()
	a, b := "unix:"+filepath.Join(dir, "a"), "unix:"+filepath.Join(dir, "b")
	two := func(first, second string) string {
		return "environments:\n" + environmentAt("main", first) + environmentAt("second", second)
	}
	r := newReloaded(t, two(a, b))
	for _, row := range []struct {
		name, yaml string
		want       []string // environment and address
	}{
		{"as before", two(a, b), nil},
		{"swapped", two(b, a), []string{"main address=" + b, "second address=" + a}},
		{"in another order", "environments:\n" + environmentAt("second", a) + environmentAt("main", b), nil},
		{"renamed", "environments:\n" + environmentAt("new", a) + environmentAt("main", b), []string{"new address=" + a}},
	} {
		r.log.take()
		r.reload(t, row.yaml)
		var got []string
		for line := range strings.Lines(r.log.take()) {
			if _, told, ok := strings.Cut(line, "msg=listening environment="); ok {
				name, rest, _ := strings.Cut(told, " origin=http://localhost ")
				address, _, _ := strings.Cut(rest, " ")
				got = append(got, name+" "+address)
			}
		}
		if strings.Join(got, "; ") != strings.Join(row.want, "; ") {
			t.Errorf("%s: told %q, want %q", row.name, got, row.want)
		}
	}
}

// What a socket's file is like is not changed under it: the reason is told.
func TestReloadOfASocketsMode(t *testing.T) {
	socket := "unix:" + filepath.Join(t.TempDir(), "s")
	r := newReloaded(t, oneEnvironment(socket))
	r.reload(t, oneEnvironment(socket)+"    socket_mode: 0660\n")
	if log := r.log.take(); !strings.Contains(log, "socket_mode") {
		t.Error(log)
	}
}

// A reloaded is a service whose configuration is changed under it. It has no
// tenant, and signs in nowhere.
type reloaded struct {
	*service
	file string
	log  *lockedBuffer
}

func newReloaded(t *testing.T, yaml string) *reloaded {
	t.Helper()
	r := &reloaded{file: filepath.Join(t.TempDir(), "dvproxy.yaml"), log: &lockedBuffer{}}
	s, err := newService(t.Context(), r.configuration(t, yaml), newLogger(r.log, config.Log{Level: "info", Format: "text"}))
	if err != nil {
		t.Fatal(err)
	}
	r.service = s
	s.read = func() (*config.Config, error) {
		return config.Load(config.Source{Args: map[string]string{"config": r.file}, Getenv: noVariables})
	}
	s.begin(&setup{})
	t.Cleanup(func() {
		if err := s.drain(context.Background()); err != nil {
			t.Error(err)
		}
		s.identities.stop()
	})
	return r
}

// configuration is what a file says.
func (r *reloaded) configuration(t *testing.T, yaml string) *config.Config {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(yaml+"admin: {listen: \"off\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Source{Args: map[string]string{"config": r.file}, Getenv: noVariables})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reload puts another configuration in the file's place and has it read.
func (r *reloaded) reload(t *testing.T, yaml string) {
	t.Helper()
	r.configuration(t, yaml)
	r.service.reload(t.Context())
}

func oneEnvironment(listen string) string { return "environments:\n" + environmentAt("main", listen) }

func environmentAt(name, listen string) string {
	return fmt.Sprintf(`  - name: %s
    url: http://127.0.0.1:1
    credential: {tenant_id: t, client_id: c, client_secret: a-secret, authority: "http://127.0.0.1:2"}
    listen: %q
`, name, listen)
}

// A lockedBuffer is written by many.
type lockedBuffer struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

// take is what was written since the last call.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buffer.Reset()
	return b.buffer.String()
}
