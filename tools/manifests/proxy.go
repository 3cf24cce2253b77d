package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/yaml"
)

// A proxy is dvproxy's program, which has to be a static one: it is run where
// there is nothing else, as in its image.
type proxy struct {
	program   string
	reference string // docs/configuration.md, where its variables are
}

// A container is what dvproxy finds when it is started.
type container struct {
	args      []string // as for the image, which has dvproxy for its entry point
	variables map[string]string
	files     []mount
	groups    []uint32
}

// nonroot is the account of dvproxy's image.
const nonroot = 65532

// An effective configuration, as much as is held against the manifests.
type effective struct {
	Environments []struct {
		Listen string `json:"listen"`
	} `json:"environments"`
	Admin struct {
		Listen string `json:"listen"`
	} `json:"admin"`
	Drain struct {
		Delay   string `json:"delay"`
		Timeout string `json:"timeout"`
	} `json:"drain"`
}

// effective asks dvproxy what it makes of all this. Its warnings are errors here.
func (p proxy) effective(ctx context.Context, c container) (e effective, err error) {
	if len(c.args) == 0 {
		c.args = []string{"serve"} // the image's own
	}
	if c.args[0] != "serve" {
		return e, fmt.Errorf("args begin with %q, not with serve", c.args[0])
	}
	if err := p.known(c.variables); err != nil {
		return e, err
	}
	out, errs, err := p.run(ctx, c, append([]string{"config"}, c.args[1:]...))
	switch {
	case err != nil:
		return e, fmt.Errorf("dvproxy does not start with that: %w: %s", err, errs)
	case errs != "":
		return e, fmt.Errorf("dvproxy has its doubts: %s", errs)
	}
	return e, yaml.Unmarshal([]byte(out), &e)
}

// run runs dvproxy with nothing but c before it, by the image's account. It needs
// root for that.
func (p proxy) run(ctx context.Context, c container, args []string) (out, errs string, err error) {
	if os.Geteuid() != 0 {
		return "", "", errors.New("run this as root: it starts dvproxy in a root of its own, by the image's account")
	}
	// Beside the program, which a link puts into it: copies take longer than all the rest.
	root, err := os.MkdirTemp(filepath.Dir(p.program), "dvproxy-root-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(root)
	if err := errors.Join(furnish(root, c.files), os.Link(p.program, filepath.Join(root, "dvproxy"))); err != nil {
		return "", "", fmt.Errorf("make a root for dvproxy beside %s: %w", p.program, err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "/dvproxy", args...) //nolint:gosec // to try them is what this is for
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = "/", &stdout, &stderr, []string{}
	for name, value := range c.variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nonroot, Gid: nonroot, Groups: c.groups}}
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// furnish makes files as a kubelet does, owned by root and one group.
func furnish(root string, files []mount) error {
	if err := errors.Join(os.MkdirAll(root, 0o755), os.Chmod(root, 0o755)); err != nil { //nolint:gosec // another account is to use it
		return err
	}
	for _, f := range files {
		at := filepath.Join(root, f.path)
		var err error
		if f.folder {
			err = os.MkdirAll(at, 0o755) //nolint:gosec // the same
		} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil { //nolint:gosec // the same
			err = os.WriteFile(at, []byte(f.text), 0o600)
		}
		if err := errors.Join(err, os.Chown(at, 0, int(f.group)), os.Chmod(at, f.mode)); err != nil {
			return err
		}
	}
	return nil
}

// understands wants a command line that dvproxy takes, whatever comes of it.
func (p proxy) understands(ctx context.Context, command []string) error {
	if len(command) < 2 || command[0] != "/dvproxy" {
		return fmt.Errorf("%q is no command of dvproxy's", command)
	}
	help, errs, err := p.run(ctx, container{}, append(slices.Clone(command[1:]), "--help"))
	if err != nil {
		return fmt.Errorf("%q: %s", command, errs)
	}
	// For a command that it does not know it shows the help of all.
	if !strings.Contains(help, "\n  dvproxy "+command[1]+" [") {
		return fmt.Errorf("%q: dvproxy has no such command", command)
	}
	return nil
}

// known wants variables that dvproxy looks at, by its reference page.
func (p proxy) known(variables map[string]string) error {
	page, err := os.ReadFile(p.reference)
	if err != nil {
		return fmt.Errorf("dvproxy's reference page: %w", err)
	}
	for name := range variables {
		if !strings.Contains(string(page), "`"+name+"`") {
			return fmt.Errorf("dvproxy knows no variable %s", name)
		}
	}
	return nil
}

func (e effective) adminPort() int32 {
	return portOf(e.Admin.Listen)
}

// portOf is the port of an address; 0 if it has none.
func portOf(address string) int32 {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	return int32(n)
}

func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err != nil || host == "localhost" || ip != nil && ip.IsLoopback()
}

func (e effective) adminLocal() bool { return local(e.Admin.Listen) }

// reachable are the ports that others can connect to, but for the admin listener.
func (e effective) reachable() map[int32]bool {
	ports := map[int32]bool{}
	for _, environment := range e.Environments {
		if !local(environment.Listen) {
			ports[portOf(environment.Listen)] = true
		}
	}
	return ports
}

// leaves is the longest time from SIGTERM to the end.
func (e effective) leaves() time.Duration {
	delay, _ := time.ParseDuration(e.Drain.Delay)
	timeout, _ := time.ParseDuration(e.Drain.Timeout)
	return delay + timeout
}
