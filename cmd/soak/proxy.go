package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"dvproxy/internal/simulator"
)

const (
	startLimit = 30 * time.Second // for dvproxy to listen, or to end
	keptLines  = 40               // of its log, in memory
	logName    = "dvproxy.log"    // all of it
	maxWait    = 6 * time.Second  // retry.max_wait
	patience   = 10 * time.Second // timeouts.response_header: a busy machine is no broken promise
)

// A program is dvproxy with its files: it can be started again, on the same
// port and with the same state.
type program struct {
	file, dir     string
	tenant        *simulator.Server
	path          path
	listen        string
	origin, admin string
	cmd           *exec.Cmd
	exited        chan struct{}

	mu   sync.Mutex // guards what follows
	log  []string
	race bool // the race detector has found something
}

// build makes the program in a folder.
func build(ctx context.Context, dir string, race bool) (string, error) {
	file := filepath.Join(dir, "dvproxy")
	args := []string{"build", "-o", file}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "dvproxy/cmd/proxy")...) //nolint:gosec // its arguments are ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build dvproxy, which needs the folder of its source (or name a built one by --proxy): %w\n%s", err, out)
	}
	return file, nil
}

// A path is the way to Dataverse.
type path struct {
	origin   string        // the tenant's, or of what is before it
	caFile   string        // of its certificate; may be empty
	patience time.Duration // timeouts.response_header
}

func newProgram(file, dir string, tenant *simulator.Server, to path) (*program, error) {
	p := &program{file: file, dir: dir, tenant: tenant, path: to, listen: "localhost:0"}
	if err := p.configure(""); err != nil {
		return nil, err
	}
	return p, p.writeSecret(tenant.ClientSecret())
}

// configure writes the configuration, with more settings of the environment.
func (p *program) configure(more string) error {
	return p.write("dvproxy.yaml", fmt.Sprintf("state_dir: %q\nenvironments:\n  - retry: {max_wait: %s}\n    timeouts: {response_header: %s}\n    ca_file: %q\n%s",
		filepath.Join(p.dir, "state"), maxWait, p.path.patience, p.path.caFile, more))
}

func (p *program) writeSecret(secret string) error { return p.write("secret", secret) }

// write puts a file where dvproxy reads it, in one step.
func (p *program) write(name, text string) error {
	name = filepath.Join(p.dir, name)
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil { //nolint:gosec // the folder is ours
		return err
	}
	return os.Rename(name+".new", name) //nolint:gosec // the folder is ours
}

// start runs dvproxy and waits until it listens.
func (p *program) start(ctx context.Context) error {
	cmd := exec.Command(p.file, "serve") //nolint:gosec,noctx // the user names the program; its end is a part of the test
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"DVPROXY_CONFIG=" + filepath.Join(p.dir, "dvproxy.yaml"),
		"DVPROXY_LISTEN=" + p.listen, "DVPROXY_ADMIN=localhost:0", "DVPROXY_LOG_FORMAT=json",
		"DATAVERSE_URL=" + p.path.origin, "AZURE_AUTHORITY_HOST=" + p.tenant.EntraURL,
		"AZURE_TENANT_ID=" + p.tenant.TenantID(), "AZURE_CLIENT_ID=" + p.tenant.ClientID(),
		"AZURE_CLIENT_SECRET_FILE=" + filepath.Join(p.dir, "secret"),
	}
	all, err := os.OpenFile(filepath.Join(p.dir, logName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the folder is ours
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = all.Close()
		return fmt.Errorf("start dvproxy: %w", err)
	}
	p.cmd, p.exited = cmd, make(chan struct{})
	origins := make(chan [2]string, 1)
	go p.read(cmd, stderr, all, origins, p.exited)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case o := <-origins:
		p.admin = o[1]
		return p.at(o[0])
	case <-p.exited:
		return errors.New("dvproxy exited at its start")
	case <-ctx.Done():
		return errors.New("dvproxy does not listen")
	}
}

// at puts down where dvproxy listens. Clients read that all the time, so it is
// written once, before there are any.
func (p *program) at(origin string) error {
	if p.origin == "" {
		u, err := url.Parse(origin)
		if err != nil {
			return err
		}
		p.origin, p.listen = origin, "localhost:"+u.Port()
	}
	if origin != p.origin {
		return fmt.Errorf("dvproxy came back at %s, and was at %s", origin, p.origin)
	}
	return nil
}

// read keeps the end of the log, and finds in it where dvproxy listens.
func (p *program) read(cmd *exec.Cmd, stderr io.Reader, all io.WriteCloser, origins chan<- [2]string, exited chan<- struct{}) {
	var found [2]string
	lines := bufio.NewScanner(io.TeeReader(stderr, all))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Msg, Origin, Level string }
		known := json.Unmarshal(lines.Bytes(), &line) == nil
		switch line.Msg {
		case "listening":
			found[0] = line.Origin
		case "admin listening":
			found[1] = line.Origin
			origins <- found
		}
		if !known || line.Level != "INFO" {
			p.keep(lines.Text())
		}
	}
	_ = cmd.Wait()
	_ = all.Close()
	close(exited)
}

func (p *program) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.race = p.race || strings.Contains(line, "DATA RACE")
	p.log = append(p.log[max(0, len(p.log)+1-keptLines):], line)
}

// lastLog is the end of the log, and whether there was a data race.
func (p *program) lastLog() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n"), p.race
}

// kill ends dvproxy without a word.
func (p *program) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// terminate ends dvproxy by SIGTERM; it must exit 0 by itself.
func (p *program) terminate(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.kill() // Windows has no such signal
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.kill()
		return errors.New("dvproxy did not end after SIGTERM")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("dvproxy ended with %d after SIGTERM, want 0", code)
	}
	return nil
}

// metrics is what /metrics says.
func (p *program) metrics(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+"/metrics", nil) //nolint:gosec // the program told its origin
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // as above
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return string(text), err
}
