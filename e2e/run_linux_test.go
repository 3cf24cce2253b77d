package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dvproxy/internal/simulator"
)

// A session is a run of dvproxy's in a session of its own, whose output is read
// line by line.
type session struct {
	*exec.Cmd
	t     *testing.T
	lines chan string
}

// runs starts dvproxy run with a script; in a terminal if there is one.
func runs(t *testing.T, env []string, terminal *os.File, args ...string) *session {
	t.Helper()
	s := &session{exec.Command(filepath.Join(binaries, "proxyrace"), append([]string{"run", "--"}, args...)...), t, make(chan string, 100)}
	s.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	s.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stdout, s.Stderr = in, in
	if terminal != nil {
		s.Stdin = terminal
		s.SysProcAttr.Setctty = true
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait(); _ = out.Close() })
	go func() {
		defer close(s.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	return s
}

// line is the next line of output.
func (s *session) line() string {
	s.t.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok {
			s.t.Fatal("there is no more output")
		}
		return line
	case <-time.After(20 * time.Second):
		s.t.Fatal("there is no output")
	}
	return ""
}

// end waits for dvproxy's end and returns its exit code and what was not read.
func (s *session) end() (int, []string) {
	s.t.Helper()
	var rest []string
	timeout := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-s.lines:
			if ok {
				rest = append(rest, line)
				continue
			}
			_ = s.Wait()
			return s.ProcessState.ExitCode(), rest
		case <-timeout:
			s.t.Fatalf("it does not end: %q", rest)
		}
	}
}

func (s *session) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// gone waits until there is no such process.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "process "+pid+" is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		return err != nil || strings.Contains(string(stat), ") Z ") // whose parent is not ours
	})
}

// Each signal reaches the command, and once.
func TestRunPassesSignalsOn(t *testing.T) {
	t.Parallel()
	tenant := tenant(t, simulator.Options{})
	for name, sig := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := runs(t, env(tenant), nil, "sh", "-c", `n=0; trap 'n=$((n+1))' `+name+`; echo ready; while [ $n = 0 ]; do sleep 0.02; done; sleep 0.2; echo "got $n"; exit 5`)
			s.line()
			s.signal(sig)
			if code, rest := s.end(); code != 5 || len(rest) == 0 || rest[len(rest)-1] != "got 1" { // before it the shell may tell of sleep's end
				t.Errorf("exit code %d, %q", code, rest)
			}
		})
	}
}

// A command that dies by the signal that it was passed.
func TestRunDiesBySignal(t *testing.T) {
	t.Parallel()
	s := runs(t, env(tenant(t, simulator.Options{})), nil, "sh", "-c", "echo ready; exec sleep 60")
	s.line()
	s.signal(syscall.SIGTERM)
	if code, rest := s.end(); code != 143 || len(rest) > 0 {
		t.Errorf("exit code %d, %q", code, rest)
	}
}

// While the command goes on, so does the proxy, whatever signals come.
func TestRunStaysWithItsCommand(t *testing.T) {
	t.Parallel()
	curl := needTool(t, "curl")
	s := runs(t, env(tenant(t, simulator.Options{})), nil, "sh", "-c",
		`trap '' TERM; trap 'told=1' USR1; echo ready; until [ "$told" ]; do sleep 0.02; done; "$0" -sf -o /dev/null "$DATAVERSE_URL/api/data/v9.2/WhoAmI" && exit 4`, curl)
	s.line()
	s.signal(syscall.SIGTERM)
	s.signal(syscall.SIGTERM)
	time.AfterFunc(300*time.Millisecond, func() { _ = s.Process.Signal(syscall.SIGUSR1) })
	if code, rest := s.end(); code != 4 {
		t.Errorf("exit code %d, %q", code, rest)
	}
}

// A signal that comes before the command is started keeps it from that.
func TestRunInterruptedBefore(t *testing.T) {
	t.Parallel()
	tenant := tenant(t, simulator.Options{})
	if err := tenant.FailEntra(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	s := runs(t, append(env(tenant), "DVPROXY_LOG_LEVEL=info"), nil, "echo", "started")
	for !strings.Contains(s.line(), "admin listening") {
		continue
	}
	s.signal(syscall.SIGINT)
	if code, rest := s.end(); code != 130 || strings.Contains(strings.Join(rest, "\n"), "started") {
		t.Errorf("exit code %d, %q", code, rest)
	}
}

// What the command leaves running ends with it, even if it has left its process
// group, session or parent; and it does not take what it wants to hear.
func TestRunLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	tenant := tenant(t, simulator.Options{})
	const there = `until [ -e "$0" ]; do sleep 0.02; done; exit 3` // once the other is
	for name, script := range map[string]string{
		"background": `sleep 60 & echo $!; exit 3`,
		"session":    `setsid sh -c 'echo $$; touch "$0"; exec sleep 60' "$0" & ` + there,
		"orphan":     `(setsid sh -c 'sleep 60 & echo $!; touch "$0"; wait' "$0" &) ; ` + there,
		"deaf":       `sh -c 'trap "" TERM; echo $$; touch "$0"; while :; do sleep 0.1; done' "$0" & ` + there,
		"stopped":    `sh -c 'echo $$; kill -STOP $$' & until grep -q '^State:.T' /proc/$!/status; do sleep 0.02; done; exit 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := runs(t, env(tenant), nil, "sh", "-c", script, filepath.Join(t.TempDir(), "there"))
			pid := s.line()
			if code, rest := s.end(); code != 3 { // and nobody holds the pipe
				t.Errorf("exit code %d, %q", code, rest)
			}
			gone(t, pid)
		})
	}
}

// Nothing else ends: not what a shell had started before it became dvproxy.
func TestRunSparesOthers(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", `sleep 60 & echo $!; exec "$0" run -- sh -c 'sleep 60 & exit 3'`, filepath.Join(binaries, "proxyrace"))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env(tenant(t, simulator.Options{}))...)
	cmd.WaitDelay = time.Second // the other one keeps the pipe
	out, _ := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
	other, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(other, syscall.SIGKILL); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// Nor does the command stay when dvproxy is killed.
func TestRunKilled(t *testing.T) {
	t.Parallel()
	s := runs(t, env(tenant(t, simulator.Options{})), nil, "sh", "-c", "echo $$; exec sleep 60")
	pid := s.line()
	s.signal(syscall.SIGKILL)
	gone(t, pid)
}

// A zombie that the command's children have left is not dvproxy's to keep.
func TestRunReapsOrphans(t *testing.T) {
	t.Parallel()
	s := runs(t, env(tenant(t, simulator.Options{})), nil, "sh", "-c",
		`(sh -c 'echo $$' &); until [ $(grep -l "^PPid:.$PPID\$" /proc/[0-9]*/status | wc -l) = 1 ]; do sleep 0.02; done`)
	s.line()
	if code, rest := s.end(); code != 0 { // or it goes on
		t.Errorf("exit code %d, %q", code, rest)
	}
}

// On a terminal the command can read, and Ctrl-C reaches it once.
func TestRunOnATerminal(t *testing.T) {
	t.Parallel()
	keyboard, terminal := openTerminal(t)
	s := runs(t, env(tenant(t, simulator.Options{})), terminal, "bash", "-c",
		`trap 'echo int; told=1' INT; echo ready; read x; echo "$x"; until [ "$told" ]; do sleep 0.02; done; sleep 0.3; exit 9`)
	_ = terminal.Close()
	s.line()
	if _, err := io.WriteString(keyboard, "typed\n"); err != nil {
		t.Fatal(err)
	}
	if got := s.line(); got != "typed" {
		t.Errorf("it read %q", got)
	}
	if _, err := io.WriteString(keyboard, "\x03"); err != nil {
		t.Fatal(err)
	}
	if code, rest := s.end(); code != 9 || strings.Join(rest, "|") != "int" {
		t.Errorf("exit code %d, %q", code, rest)
	}
}

// openTerminal opens a pseudo-terminal: where one types, and where programs
// read. pts(4).
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	n, err := unix.IoctlGetUint32(int(keyboard.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return keyboard, terminal
}
