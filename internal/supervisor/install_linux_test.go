package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const template = "[Service]\nType=notify\nExecStart=/usr/bin/dvproxy serve\nLoadCredential=client-secret:/etc/dvproxy/client-secret\n"

// A machine is a file system with a systemd that knows what lies in it.
type machine struct {
	managed
	told []string // of systemctl
	fail string   // the call that fails
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{managed: managed{name: "dvproxy", root: t.TempDir()}}
	for _, dir := range []string{"etc/systemd/system", "run/systemd/system", "usr/local/bin", "root", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(m.root, 0o755); err != nil {
		t.Fatal(err)
	}
	m.put(t, "usr/local/bin/dvproxy", 0o755)
	m.systemctl = func(_ context.Context, args ...string) (string, error) {
		if args[min(1, len(args)-1)] == m.fail {
			return "", errors.New("systemctl says no")
		}
		if args[0] != "show" {
			m.told = append(m.told, strings.Join(args, " "))
			return "", nil
		}
		if _, err := os.Stat(m.unitFile()); err != nil {
			return "LoadState=not-found\nActiveState=inactive\n", nil
		}
		return "LoadState=loaded\nFragmentPath=" + m.unitFile() + "\n", nil
	}
	return m
}

func (m *machine) put(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.WriteFile(path, []byte("x"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// has lists the files, with their modes, that were not there at first.
func (m *machine) has(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(m.root, "etc"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		files = append(files, info.Mode().String()+" "+strings.TrimPrefix(path, m.root))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (m *machine) definition() Definition {
	return Definition{
		Program: filepath.Join(m.root, "usr/local/bin/dvproxy"), Arguments: []string{"serve", "--config=/etc/dvproxy/my file.yaml", "--url=https://100%.$x"},
		Unit: template, Config: []byte("environments: []\n"), Secret: []byte("s3cret"),
	}
}

func TestInstallAndUninstall(t *testing.T) {
	m := newMachine(t)
	if err := m.Install(t.Context(), m.definition()); err != nil {
		t.Fatal(err)
	}
	want := []string{"-rw------- /etc/dvproxy/client-secret", "-rw-r--r-- /etc/dvproxy/dvproxy.yaml", "-rw-r--r-- /etc/systemd/system/dvproxy.service"}
	if d := cmp.Diff(want, m.has(t)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"--no-reload enable dvproxy.service", "daemon-reload"}, m.told); d != "" {
		t.Errorf("systemctl (-want +got):\n%s", d)
	}
	unit, _ := os.ReadFile(m.unitFile())
	wantUnit := "[Service]\nType=notify\nExecStart=\"" + m.root + "/usr/local/bin/dvproxy\" \"serve\" \"--config=/etc/dvproxy/my file.yaml\" \"--url=https://100%%.$$x\"\n" +
		"LoadCredential=client-secret:/etc/dvproxy/client-secret\n\n# For dvproxy service uninstall.\n[X-dvproxy service install]\nWrote=" + m.root + "/etc/dvproxy/client-secret\n"
	if d := cmp.Diff(wantUnit, string(unit)); d != "" {
		t.Errorf("unit (-want +got):\n%s", d)
	}
	if err := m.Install(t.Context(), m.definition()); !errors.Is(err, ErrInstalled) || !strings.Contains(err.Error(), m.unitFile()) {
		t.Errorf("a second time: %v", err)
	}

	m.told = nil
	left, err := m.Uninstall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{m.folder()}, left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"-rw-r--r-- /etc/dvproxy/dvproxy.yaml"}, m.has(t)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"stop dvproxy.service", "--no-reload disable dvproxy.service", "daemon-reload", "reset-failed dvproxy.service"}, m.told); d != "" {
		t.Errorf("systemctl (-want +got):\n%s", d)
	}
	if _, err := m.Uninstall(t.Context()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("a second time: %v", err)
	}
}

// What is somebody else's is left alone: a secret that was there and was not
// written, the unit of a package or an administrator.
func TestUninstallTakesItsOwnOnly(t *testing.T) {
	m := newMachine(t)
	if err := os.Mkdir(m.folder(), 0o755); err != nil {
		t.Fatal(err)
	}
	m.put(t, "etc/dvproxy/client-secret", 0o600)
	d := m.definition()
	d.Config, d.Secret = nil, nil
	if err := m.Install(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Uninstall(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"-rw------- /etc/dvproxy/client-secret"}
	if d := cmp.Diff(want, m.has(t)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}

	m.put(t, "etc/systemd/system/dvproxy.service", 0o644)
	m.told = nil
	if _, err := m.Uninstall(t.Context()); err == nil || !strings.Contains(err.Error(), m.unitFile()) || len(m.told) > 0 {
		t.Errorf("another's unit: %v; systemctl was told %q", err, m.told)
	}
}

// If something fails nothing is left.
func TestInstallIsUndone(t *testing.T) {
	for _, call := range []string{"daemon-reload", "enable"} {
		t.Run(call, func(t *testing.T) {
			m := newMachine(t)
			m.fail = call
			if err := m.Install(t.Context(), m.definition()); err == nil || !strings.Contains(err.Error(), "systemctl says no") {
				t.Errorf("error %v", err)
			}
			if files := m.has(t); len(files) > 0 {
				t.Errorf("left %q", files)
			}
			if _, err := os.Stat(m.folder()); err == nil {
				t.Error("left the folder")
			}
		})
	}
}

func TestInstallRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(t *testing.T, m *machine, d *Definition)
		want   string
	}{
		"not root":     {func(_ *testing.T, m *machine, _ *Definition) { m.user = 1000 }, ErrDenied.Error()},
		"no systemd":   {func(t *testing.T, m *machine, _ *Definition) { _ = os.RemoveAll(filepath.Join(m.root, "run")) }, ErrUnsupported.Error()},
		"a home":       {func(t *testing.T, m *machine, d *Definition) { d.Program = m.put(t, "root/dvproxy", 0o755) }, "cannot see"},
		"private":      {func(t *testing.T, m *machine, d *Definition) { d.Reads = []string{m.put(t, "var/lib/x.yaml", 0o600)} }, "mode 0600"},
		"no such file": {func(_ *testing.T, m *machine, d *Definition) { d.Reads = []string{m.root + "/etc/x.yaml"} }, "no such file"},
		"a line end":   {func(_ *testing.T, _ *machine, d *Definition) { d.Arguments = []string{"a\n[Service]\nUser=root"} }, "cannot be on the command line"},
		"config exists": {func(t *testing.T, m *machine, _ *Definition) {
			if err := os.Mkdir(m.folder(), 0o755); err != nil {
				t.Fatal(err)
			}
			m.put(t, "etc/dvproxy/dvproxy.yaml", 0o644)
		}, "is there already"},
		"others write": {func(t *testing.T, m *machine, _ *Definition) {
			if err := errors.Join(os.Mkdir(m.folder(), 0o755), os.Chmod(m.folder(), 0o777)); err != nil {
				t.Fatal(err)
			}
		}, "nobody else may write"},
		"a link": {func(t *testing.T, m *machine, _ *Definition) {
			if err := os.Symlink(t.TempDir(), m.folder()); err != nil {
				t.Fatal(err)
			}
		}, "nobody else may write"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			d := m.definition()
			row.change(t, m, &d)
			before := m.has(t)
			if err := m.Install(t.Context(), d); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
			if after := m.has(t); !slices.Equal(before, after) {
				t.Errorf("left %q", after)
			}
			if slices.Contains(m.told, "--no-reload enable dvproxy.service") {
				t.Error("it was enabled")
			}
		})
	}
}

func TestLastExit(t *testing.T) {
	for _, row := range []struct {
		result, code, status, want string
	}{
		{"success", "1", "0", ""},
		{"", "", "", ""},
		{"exit-code", "1", "2", "exit code 2"},
		{"signal", "2", "9", "signal 9"},
		{"core-dump", "3", "6", "signal 6"},
		{"watchdog", "3", "6", "it gave no sign of life"},
		{"start-limit-hit", "1", "1", "start-limit-hit"},
	} {
		got := lastExit(map[string]string{"Result": row.result, "ExecMainCode": row.code, "ExecMainStatus": row.status})
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.result, got, row.want)
		}
	}
}

// A command that was written into a unit is read from it again.
func FuzzUnit(f *testing.F) {
	f.Add("/usr/bin/dvproxy", "serve", "--config=/etc/my 100% \"$HOME\".yaml")
	f.Add(`/a\`, `" "`, `\" \"`)
	f.Add("/a", "", `\\" `)
	f.Fuzz(func(t *testing.T, program, first, second string) {
		command := []string{program, first, second}
		unit, err := newUnit(template, command, []string{"/etc/dvproxy/client-secret"})
		if strings.ContainsAny(strings.Join(command, ""), "\x00\r\n") {
			if err == nil {
				t.Errorf("%q made a unit", command)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := installedCommand(unit); !ok || !slices.Equal(got, command) {
			t.Errorf("%q was read as %q, %v", command, got, ok)
		}
		if paths, ok := writtenWith(unit); !ok || !slices.Equal(paths, []string{"/etc/dvproxy/client-secret"}) {
			t.Errorf("written with it: %q, %v", paths, ok)
		}
	})
}
