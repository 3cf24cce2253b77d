package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// A managed service is one of systemd's.
type managed struct {
	name string
	root string // "/", but for tests
	user int    // who asks; 0 is root
	// systemctl returns what the command of that name prints.
	systemctl func(ctx context.Context, args ...string) (string, error)
}

// New returns the manager of the service of that name.
func New(name string) Manager { return managed{name, "/", os.Geteuid(), systemctl} }

func systemctl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "systemctl", args...) //nolint:gosec // G204: the arguments are this package's
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if said := strings.TrimSpace(complaint.String()); err != nil && said != "" {
		err = errors.New(oneLine(said))
	}
	return string(out), err
}

func (m managed) unit() string { return m.name + ".service" }

// unitFile is where units go that no package has brought.
func (m managed) unitFile() string { return filepath.Join(m.root, "etc/systemd/system", m.unit()) }

func (m managed) folder() string { return filepath.Join(m.root, "etc", m.name) }

// Places implements [Manager]. What the service reads is a copy of the secret
// that systemd makes, for it alone, of a file that is root's alone.
func (m managed) Places() (Places, error) {
	return Places{
		Config: filepath.Join(m.folder(), m.name+".yaml"),
		Secret: filepath.Join("/run/credentials", m.unit(), secretName),
		Kept:   m.secretFile(),
	}, nil
}

// secretName is what the unit calls the secret.
const secretName = "client-secret"

func (m managed) secretFile() string { return filepath.Join(m.folder(), secretName) }

// booted is an error if this machine was not started by systemd. sd_booted(3).
func (m managed) booted() error {
	if info, err := os.Lstat(filepath.Join(m.root, "run/systemd/system")); err != nil || !info.IsDir() {
		return fmt.Errorf("%w, and this machine was not started by systemd", ErrUnsupported)
	}
	return nil
}

// mayChange is an error if the one who asks may not.
func (m managed) mayChange() error {
	if err := m.booted(); err != nil {
		return err
	}
	if m.user != 0 {
		return fmt.Errorf("%w: use sudo, or be root", ErrDenied)
	}
	return nil
}

// Start implements [Manager].
func (m managed) Start(ctx context.Context) error {
	if err := m.mayChange(); err != nil {
		return err
	}
	if _, err := m.properties(ctx); err != nil {
		return err
	}
	_, err := m.systemctl(ctx, "start", m.unit())
	if err == nil {
		return nil
	}
	now, statusErr := m.Status(context.WithoutCancel(ctx))
	if statusErr == nil && now.Exit != "" {
		err = errors.New(now.Exit)
	}
	return fmt.Errorf("the service does not start: %w; why is in its log: journalctl -u %s -n 20", err, m.name)
}

// Stop implements [Manager].
func (m managed) Stop(ctx context.Context) error {
	if err := m.mayChange(); err != nil {
		return err
	}
	if _, err := m.properties(ctx); err != nil {
		return err
	}
	if _, err := m.systemctl(ctx, "stop", m.unit()); err != nil {
		return fmt.Errorf("stop the service: %w", err)
	}
	return nil
}

// Status implements [Manager]. Any account may ask.
func (m managed) Status(ctx context.Context) (Status, error) {
	if err := m.booted(); err != nil {
		return Status{}, err
	}
	p, err := m.properties(ctx)
	if err != nil {
		return Status{}, err
	}
	pid, _ := strconv.Atoi(p["MainPID"])
	command, own := m.ownCommand()
	if !own {
		command = shownCommand(p["ExecStart"])
	}
	return Status{
		State:   p["ActiveState"],
		Running: p["ActiveState"] == "active" || p["ActiveState"] == "reloading",
		PID:     pid,
		Exit:    lastExit(p),
		Said:    p["StatusText"],
		Command: command,
		Foreign: !own || p["DropInPaths"] != "",
	}, nil
}

// properties are what systemd knows of the service, by the names in
// org.freedesktop.systemd1(5).
func (m managed) properties(ctx context.Context) (map[string]string, error) {
	const wanted = "LoadState,FragmentPath,DropInPaths,ActiveState,MainPID,Result,ExecMainCode,ExecMainStatus,StatusText,ExecStart"
	out, err := m.systemctl(ctx, "show", "-p", wanted, m.unit())
	if err != nil {
		return nil, fmt.Errorf("ask systemd for the service's state: %w", err)
	}
	p := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		p[key] = value
	}
	if p["LoadState"] == "not-found" {
		return nil, ErrNotInstalled
	}
	return p, nil
}

// lastExit is how the service ended the last time, empty if well or never.
func lastExit(p map[string]string) string {
	const killed, dumped = "2", "3" // CLD_KILLED and CLD_DUMPED, sigaction(2)
	switch code, status := p["ExecMainCode"], p["ExecMainStatus"]; {
	case p["Result"] == "success" || p["Result"] == "":
		return ""
	case p["Result"] == "watchdog":
		return "it gave no sign of life"
	case code == killed || code == dumped:
		return "signal " + status
	case p["Result"] == "exit-code":
		return "exit code " + status
	}
	return p["Result"] // such as resources, timeout or start-limit-hit
}

// ownCommand is what the unit starts, if Install made it.
func (m managed) ownCommand() (command []string, ok bool) {
	unit, err := os.ReadFile(m.unitFile())
	if err != nil {
		return nil, false
	}
	return installedCommand(string(unit))
}

// shownCommand reads what systemctl shows of ExecStart, where arguments with
// spaces in them cannot be told from several.
func shownCommand(shown string) []string {
	_, rest, _ := strings.Cut(shown, "argv[]=")
	command, _, _ := strings.Cut(rest, " ; ")
	return strings.Fields(command)
}
