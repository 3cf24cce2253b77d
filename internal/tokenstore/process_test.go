package tokenstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/tokenstore"
)

// TestMain makes the test binary a process that keeps tokens without end, if it
// is told to.
func TestMain(m *testing.M) {
	dir := os.Getenv("TOKENSTORE_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	s := tokenstore.New(dir, contoso, keys(os.Getenv("TOKENSTORE_TEST_KEY")), nil)
	fmt.Println("running")
	for n := 0; ; n++ {
		s.Save(entry(long(n)))
	}
}

// long is a token that says by itself whether it is whole.
func long(n int) string { return strings.Repeat(fmt.Sprintf("%08d", n), 1000) }

func whole(token string) bool {
	return len(token) == 8000 && strings.Count(token, token[:8]) == 1000
}

// saving starts a process that keeps tokens, until it is killed.
func saving(t *testing.T, dir, key string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "TOKENSTORE_TEST_DIR="+dir, "TOKENSTORE_TEST_KEY="+key)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "running\n" {
		t.Errorf("the process says %q", line)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// Processes are killed in the middle of writing: what is there is whole, and
// for this account alone, and what they leave behind is cleaned up.
func TestKilledWhileWriting(t *testing.T) {
	d := newDisk(t)
	d.store("s").Save(entry(long(0)))
	for n := range 15 {
		kill := saving(t, d.dir, "s")
		wait := time.NewTimer(time.Duration(n) * 3 * time.Millisecond)
		<-wait.C
		kill()
		if e, ok := d.store("s").Load(); !ok || !whole(e.Token) {
			t.Fatalf("after kill %d an entry is there: %v, and whole: %v", n, ok, whole(e.Token))
		}
		for _, name := range d.files() {
			info, err := os.Lstat(filepath.Join(d.tokens(), name))
			if err != nil || onUnix && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is %v, %v", name, info, err)
			}
		}
	}
	left := time.Now().Add(-2 * time.Minute)
	for _, name := range d.files() {
		if strings.HasPrefix(name, ".new-") {
			if err := os.Chtimes(filepath.Join(d.tokens(), name), left, left); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.store("s").Load()
	d.file()
	d.warnings(0, "")
}

// Two processes with one secret and one with another share a folder, and this
// one looks on: each look finds a whole entry.
func TestProcessesShareAFolder(t *testing.T) {
	d := newDisk(t)
	d.store("s").Save(entry(long(0)))
	d.store("x").Save(entry(long(0)))
	for _, key := range []string{"s", "s", "x"} {
		defer saving(t, d.dir, key)()
	}
	for range 200 {
		for _, key := range []string{"s", "x"} {
			if e, ok := d.store(key).Load(); !ok || !whole(e.Token) {
				t.Fatalf("with key %s an entry is there: %v, and whole: %v", key, ok, whole(e.Token))
			}
		}
	}
	d.warnings(0, "")
}

// Everything at once in one process, for the race detector.
func TestConcurrentUse(t *testing.T) {
	d := newDisk(t)
	s := tokenstore.New(d.dir, contoso, keys("s"), nil)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 20 {
				s.Save(entry(long(n)))
				if e, ok := s.Load(); ok && !whole(e.Token) {
					t.Error("half an entry")
				}
				if i == 0 {
					s.Forget(long(n))
				}
			}
		})
	}
	wg.Wait()
}
