package tokenstore_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/tokenstore"
)

var contoso = tokenstore.Identity{Authority: "https://login.example/t/oauth2/v2.0/token", ClientID: "app", Scope: "https://contoso/.default"}

// A disk is a state_dir with what the stores in it have logged.
type disk struct {
	*testing.T
	dir string
	log bytes.Buffer
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	return &disk{T: t, dir: filepath.Join(t.TempDir(), "state")}
}

func keys(secrets ...string) tokenstore.Keys {
	return func() (all [][]byte, err error) {
		for _, s := range secrets {
			all = append(all, []byte(s))
		}
		return all, nil
	}
}

// store is a store with keys, the first of which counts.
func (d *disk) store(secrets ...string) *tokenstore.Store {
	return tokenstore.New(d.dir, contoso, keys(secrets...), slog.New(slog.NewTextHandler(&d.log, nil)))
}

func (d *disk) tokens() string { return filepath.Join(d.dir, "tokens") }

// files are the names of what is in the folder for tokens.
func (d *disk) files() (names []string) {
	d.Helper()
	entries, err := os.ReadDir(d.tokens())
	if err != nil {
		d.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// file is the path of the only file.
func (d *disk) file() string {
	d.Helper()
	names := d.files()
	if len(names) != 1 {
		d.Fatalf("files %q, want one", names)
	}
	return filepath.Join(d.tokens(), names[0])
}

func (d *disk) read(path string) []byte {
	d.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		d.Fatal(err)
	}
	return data
}

func (d *disk) write(path string, data []byte, mode os.FileMode) {
	d.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		d.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		d.Fatal(err)
	}
}

// wants wants a store to load the token, or none if it is empty.
func (d *disk) wants(s *tokenstore.Store, token, when string) {
	d.Helper()
	e, ok := s.Load()
	if ok != (token != "") || e.Token != token {
		d.Errorf("%s: loaded %q, %v; want %q", when, e.Token, ok, token)
	}
}

// warnings wants so many lines in the log, each with the text in it.
func (d *disk) warnings(n int, text string) {
	d.Helper()
	log := d.log.String()
	if strings.Count(log, "level=WARN") != n || strings.Count(log, "\n") != n || n > 0 && strings.Count(log, text) != n {
		d.Errorf("want %d warnings with %q:\n%s", n, text, log)
	}
}

// entry is one of an hour, issued now.
func entry(token string) tokenstore.Entry {
	return tokenstore.Entry{
		Token: token, Sent: time.Now().Round(0), Boot: "b", Uptime: time.Minute,
		Lifetime: time.Hour, Full: time.Hour, RefreshIn: 20 * time.Minute,
	}
}
