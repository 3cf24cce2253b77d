package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// A platform is what a program is built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// platforms are those that a release is for.
func platforms() (all []platform) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, platform{system, arch})
		}
	}
	return all
}

func host() platform { return platform{runtime.GOOS, runtime.GOARCH} }

// program is the name of the file that is built.
func (p platform) program() string {
	if p.os == "windows" {
		return "dvproxy.exe"
	}
	return "dvproxy"
}

// tool is the go command, for a platform. Nothing that the bytes depend on is
// left to the environment, but the version of Go itself.
func (r *release) tool(ctx context.Context, p platform, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // its arguments are ours
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch,
		"GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "GOFIPS140=off", "GOAMD64=v1", "GOARM64=v8.0")
	return cmd
}

// build builds the program into a folder of its own, once. The version control system is not
// asked: what Go makes of it depends on the tags of a clone and on its depth, so
// the same commit would make other bytes before it is tagged than after. The
// commit stands in the SBOM.
func (r *release) build(ctx context.Context, p platform, work string) (string, error) {
	name := filepath.Join(work, p.os+"_"+p.arch, p.program())
	if _, err := os.Stat(name); err == nil {
		return name, nil // by documents
	}
	_, err := output(r.tool(ctx, p, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.release="+r.version, "-o", name, "./cmd/proxy"))
	return name, err
}

// documents are what the program itself writes, by one built for this machine:
// man pages, completion, the example of a configuration. So they are of the
// release that they come with.
func (r *release) documents(ctx context.Context, work string) ([]file, error) {
	program, err := r.build(ctx, host(), work)
	if err != nil {
		return nil, err
	}
	pages := filepath.Join(work, "man")
	if _, err := output(exec.CommandContext(ctx, program, "man", pages)); err != nil { //nolint:gosec // built by us
		return nil, err
	}
	docs, err := readFolder(pages, "man/")
	if err != nil {
		return nil, err
	}
	for _, d := range []struct {
		name string
		args []string
	}{
		{"dvproxy.example.yaml", []string{"config", "--example"}},
		{"completion/dvproxy.bash", []string{"completion", "bash"}},
		{"completion/_dvproxy", []string{"completion", "zsh"}},
		{"completion/dvproxy.fish", []string{"completion", "fish"}},
		{"completion/dvproxy.ps1", []string{"completion", "powershell"}},
	} {
		text, err := output(exec.CommandContext(ctx, program, d.args...)) //nolint:gosec // built by us
		if err != nil {
			return nil, err
		}
		docs = append(docs, file{name: d.name, data: bytes.TrimLeft(text, "\n")})
	}
	return docs, nil
}
