package tokenstore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/tokenstore"
)

func TestAnEntryComesBackWhole(t *testing.T) {
	d := newDisk(t)
	d.wants(d.store("s"), "", "before there is a folder")
	if _, err := os.Stat(d.dir); err == nil {
		t.Error("a load made the folder")
	}
	want := entry("the-token")
	d.store("s").Save(want)
	got, ok := d.store("s").Load()
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(ok, diff)
	}
	file := d.file()
	for path, mode := range map[string]os.FileMode{d.tokens(): 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || onUnix && info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), mode)
		}
	}
	for _, part := range []string{"the-token", "login.example", "app", "Token"} {
		if data := d.read(file); bytes.Contains(data, []byte(part)) || strings.Contains(file, part) {
			t.Errorf("%q can be read in the file, or its name", part)
		}
	}
	d.store("s").Save(entry("next"))
	d.wants(d.store("s"), "next", "after another")
	d.file()
	d.warnings(0, "")
}

// The same token twice gives two files that have nothing in common but the
// header.
func TestEachEntryIsSealedAnew(t *testing.T) {
	d := newDisk(t)
	e := entry("t")
	d.store("s").Save(e)
	first := d.read(d.file())
	d.store("s").Save(e)
	second := d.read(d.file())
	same := 0
	for i := range min(len(first), len(second)) {
		if first[i] == second[i] {
			same++
		}
	}
	if !bytes.Equal(first[:16], second[:16]) || same > 16+len(first)/20 {
		t.Errorf("%d of %d bytes are the same", same, len(first))
	}
}

func TestWhoCanOpenAnEntry(t *testing.T) {
	other := func(change func(*tokenstore.Identity)) tokenstore.Identity {
		id := contoso
		change(&id)
		return id
	}
	for name, tt := range map[string]struct {
		id   tokenstore.Identity
		keys []string
		want string
	}{
		"the same":                {contoso, []string{"secret"}, "t"},
		"another secret":          {contoso, []string{"secret2"}, ""},
		"next to another":         {contoso, []string{"secret2", "secret"}, "t"},
		"after an empty one":      {contoso, []string{"", "secret"}, "t"},
		"another authority":       {other(func(id *tokenstore.Identity) { id.Authority += "/" }), []string{"secret"}, ""},
		"another client":          {other(func(id *tokenstore.Identity) { id.ClientID = "APP" }), []string{"secret"}, ""},
		"another scope":           {other(func(id *tokenstore.Identity) { id.Scope = "https://fabrikam/.default" }), []string{"secret"}, ""},
		"parts that run together": {tokenstore.Identity{Authority: contoso.Authority + "a", ClientID: "pp", Scope: contoso.Scope}, []string{"secret"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.store("secret").Save(entry("t"))
			saved := d.read(d.file())
			var log bytes.Buffer
			s := tokenstore.New(d.dir, tt.id, keys(tt.keys...), slog.New(slog.NewTextHandler(&log, nil)))
			d.wants(s, tt.want, "under its name")
			if log.Len() > 0 {
				t.Errorf("another's entry is no trouble:\n%s", log.String())
			}
			if tt.want != "" {
				return
			}
			// Now the file has the name that the other would give it.
			old := d.file()
			s.Save(entry("x"))
			for _, name := range d.files() {
				if path := filepath.Join(d.tokens(), name); path != old {
					d.write(path, saved, 0o600)
				}
			}
			d.wants(s, "", "under the other's name")
			if got := strings.Count(log.String(), "does not open"); got != 1 {
				t.Errorf("%d warnings, want one:\n%s", got, log.String())
			}
		})
	}
}

// Two processes in the middle of a rotation, the one with the old secret: each
// keeps its own, neither deletes the other's, until that has expired.
func TestRotationsDoNotThrash(t *testing.T) {
	d := newDisk(t)
	before, after := d.store("old"), d.store("new", "old")
	for range 3 {
		before.Save(entry("by-old"))
		after.Save(entry("by-new"))
	}
	d.wants(before, "by-old", "the old secret")
	d.wants(d.store("new"), "by-new", "the new secret")
	if n := len(d.files()); n != 2 {
		t.Errorf("%d files, want 2", n)
	}
	later := entry("later")
	later.Lifetime += time.Hour
	before.Save(later)
	d.wants(after, "later", "both secrets, and that of the old one lives longer")

	expired := entry("by-old")
	expired.Sent = expired.Sent.Add(-2 * time.Hour)
	before.Save(expired)
	d.store("new").Save(entry("by-new"))
	d.file()
	d.wants(d.store("new"), "by-new", "after the old one's end")
	d.warnings(0, "")
}

func TestForget(t *testing.T) {
	d := newDisk(t)
	d.store("s").Forget("t") // there is not even a folder
	d.store("s").Save(entry("t"))
	d.store("s").Forget("another")
	d.store("x").Forget("t")
	d.wants(d.store("s"), "t", "after others were forgotten")
	d.store("s2", "s").Forget("t")
	d.wants(d.store("s"), "", "after it was forgotten")
	if n := len(d.files()); n != 0 {
		t.Errorf("%d files, want none", n)
	}
	d.warnings(0, "")
}

// One warning for each kind of trouble, not one for each renewal.
func TestKeysThatCannotBeHad(t *testing.T) {
	d := newDisk(t)
	err := errors.New("the file cannot be read")
	s := tokenstore.New(d.dir, contoso, func() ([][]byte, error) { return nil, err }, slog.New(slog.NewTextHandler(&d.log, nil)))
	for range 3 {
		s.Save(entry("t"))
	}
	d.warnings(1, "the file cannot be read")
	d.log.Reset()
	d.store("").Save(entry("t"))
	d.warnings(1, "is empty")
}

func TestATokenThatIsTooLong(t *testing.T) {
	d := newDisk(t)
	d.store("s").Save(entry("t"))
	d.store("s").Save(entry(strings.Repeat("x", 600<<10)))
	d.warnings(1, "over 512 KiB")
	d.log.Reset()
	d.store("s").Save(entry(strings.Repeat("x", 300<<10)))
	if e, ok := d.store("s").Load(); !ok || len(e.Token) != 300<<10 {
		t.Errorf("%d bytes came back, want %d", len(e.Token), 300<<10)
	}
	d.warnings(0, "")
}
