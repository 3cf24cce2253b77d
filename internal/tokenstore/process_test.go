package tokenstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/tokenstore"
)

// onFullDisk saves where there is no room; set where that can be had.
var onFullDisk func(dir string) error

// TestMain makes the test binary a process that keeps tokens without end, or one
// on a full disk, if it is told to.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TOKENSTORE_TEST_FULL"); dir != "" {
		if err := onFullDisk(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
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

// kills is how many processes are killed: TOKENSTORE_TEST_KILLS, or 20.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TOKENSTORE_TEST_KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("TOKENSTORE_TEST_KILLS is %q, want a number above 0", text)
	}
	return n
}

// Processes are killed in the middle of writing: what is there is whole, and
// for this account alone, and what they leave behind is cleaned up.
func TestKilledWhileWriting(t *testing.T) {
	d := newDisk(t)
	d.store("s").Save(entry(long(0)))
	amid := 0
	for n := range kills(t) {
		kill := saving(t, d.dir, "s")
		wait := time.NewTimer(time.Duration(n%60) * 700 * time.Microsecond)
		<-wait.C
		kill()
		if e, ok := d.store("s").Load(); !ok || !whole(e.Token) {
			t.Fatalf("after kill %d an entry is there: %v, and whole: %v", n, ok, whole(e.Token))
		}
		amid += d.cleanUp(n)
	}
	if amid == 0 {
		t.Error("no kill came in the middle of a write")
	}
	d.store("s").Load()
	d.file()
	d.warnings(0, "")
	t.Logf("%d of %d kills left half a file", amid, kills(t))
}

// cleanUp looks at the modes of all files, and makes what the killed process left
// so old that the next one removes it. It says how many files that are.
func (d *disk) cleanUp(kill int) (left int) {
	d.Helper()
	old := time.Now().Add(-90 * time.Second) // see afterCrash
	for _, name := range d.files() {
		file := filepath.Join(d.tokens(), name)
		info, err := os.Lstat(file)
		if err != nil || onUnix && info.Mode().Perm()&0o077 != 0 {
			d.Errorf("after kill %d %s is %v, %v", kill, name, info, err)
		}
		if err == nil && strings.HasPrefix(name, ".new-") && info.ModTime().After(old) {
			left++
			if err := os.Chtimes(file, old, old); err != nil {
				d.Error(err)
			}
		}
	}
	return left
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
