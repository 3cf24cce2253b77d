package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Install implements [Manager]. The service runs as an account that exists for
// it alone, while it runs.
func (m managed) Install(ctx context.Context, d Definition) (err error) {
	if err := m.mayChange(); err != nil {
		return err
	}
	p, err := m.properties(ctx)
	switch {
	case err == nil:
		return fmt.Errorf("%w, as %s", ErrInstalled, p["FragmentPath"])
	case !errors.Is(err, ErrNotInstalled):
		return err
	}
	for _, path := range append([]string{d.Program}, d.Reads...) {
		if err := m.reachable(path); err != nil {
			return err
		}
	}
	places, _ := m.Places()
	var written []string
	if d.Secret != nil {
		written = append(written, places.Kept)
	}
	unit, err := newUnit(d.Unit, append([]string{d.Program}, d.Arguments...), written)
	if err != nil {
		return err
	}

	made := &files{}
	defer func() {
		if err != nil {
			ctx := context.WithoutCancel(ctx)
			_, _ = m.systemctl(ctx, "--no-reload", "disable", m.unit())
			made.remove()
			_, _ = m.systemctl(ctx, "daemon-reload")
		}
	}()
	if err := m.writeFiles(made, d, places); err != nil {
		return err
	}
	if err := made.file(m.unitFile(), 0o644, []byte(unit)); err != nil {
		return err
	}
	if _, err := m.systemctl(ctx, "--no-reload", "enable", m.unit()); err != nil {
		return fmt.Errorf("let the service start with the machine: %w", err)
	}
	if _, err := m.systemctl(ctx, "daemon-reload"); err != nil {
		return fmt.Errorf("let systemd read the unit: %w", err)
	}
	return nil
}

func (m managed) writeFiles(made *files, d Definition, places Places) error {
	if d.Config == nil && d.Secret == nil {
		return nil
	}
	if err := made.folder(m.folder()); err != nil {
		return err
	}
	if d.Config != nil {
		if err := made.file(places.Config, 0o644, d.Config); err != nil {
			return err
		}
	}
	if d.Secret != nil {
		// One of a service that was removed by other means.
		if err := os.Remove(places.Kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return made.file(places.Kept, 0o600, append(slices.Clone(d.Secret), '\n'))
	}
	return nil
}

// reachable is an error if the service's account, which is no other's, cannot
// read a file: it sees no homes and another /tmp, and is in no group.
func (m managed) reachable(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	const all, enter = 0o004, 0o001
	for at, need := path, fs.FileMode(all); ; at, need = filepath.Dir(at), enter {
		for _, hidden := range []string{"home", "root", "run/user", "tmp", "var/tmp"} {
			if at == filepath.Join(m.root, hidden) {
				return fmt.Errorf("the service cannot see %s: move the file, a program to /usr/local/bin, a configuration to %s", path, m.folder())
			}
		}
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if info.Mode()&need == 0 {
			return fmt.Errorf("the service runs as an account of its own, which cannot read %s, since %s has mode %04o: chmod o+rX it; a secret belongs into the file that the service is given", path, at, info.Mode().Perm())
		}
		if at == filepath.Clean(m.root) {
			return nil
		}
	}
}

// Uninstall implements [Manager].
func (m managed) Uninstall(ctx context.Context) (left []string, err error) {
	if err := m.mayChange(); err != nil {
		return nil, err
	}
	p, err := m.properties(ctx)
	if err != nil {
		return nil, err
	}
	unit, err := os.ReadFile(m.unitFile())
	written, own := writtenWith(string(unit))
	if err != nil || !own {
		return nil, fmt.Errorf("the service is not one of dvproxy service install: remove the package that brought %s, or disable and delete that file", p["FragmentPath"])
	}
	if _, err := m.systemctl(ctx, "stop", m.unit()); err != nil {
		return nil, fmt.Errorf("stop the service: %w", err)
	}
	if _, err := m.systemctl(ctx, "--no-reload", "disable", m.unit()); err != nil {
		return nil, fmt.Errorf("let the service not start with the machine: %w", err)
	}
	if err := os.Remove(m.unitFile()); err != nil {
		return nil, err
	}
	if _, err := m.systemctl(ctx, "daemon-reload"); err != nil {
		return nil, fmt.Errorf("let systemd forget the unit: %w", err)
	}
	_, _ = m.systemctl(ctx, "reset-failed", m.unit()) // fails if it did not
	if slices.Contains(written, m.secretFile()) {
		if err := os.Remove(m.secretFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the service is removed, but not its secret; delete it yourself: %w", err)
		}
	}
	_ = os.Remove(m.folder()) // if nothing is in it
	for _, path := range []string{m.folder(), m.unitFile() + ".d", filepath.Join(m.root, "var/lib", m.name)} {
		if _, err := os.Lstat(path); err == nil {
			left = append(left, path)
		}
	}
	return left, nil
}
