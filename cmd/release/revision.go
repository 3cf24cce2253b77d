package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ask fills in what the repository knows: the commit, its time, and the version
// if there is none yet. A source without a repository needs a version and
// SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/),
// which counts where there is one too.
func (r *release) ask(ctx context.Context, anyState bool) error {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if revision, err := r.git(ctx, "rev-parse", "HEAD"); err == nil {
		r.revision = revision
		if err := r.askGit(ctx, anyState, &seconds); err != nil {
			return err
		}
	} else if r.version == "" || seconds == "" {
		return fmt.Errorf("git does not say which commit this is, so VERSION and SOURCE_DATE_EPOCH (seconds since 1970 of the release) have to: %w", err)
	}
	if r.version == "" {
		return usageError{fmt.Errorf("which version? No tag is on this commit: make release VERSION=v0.1.0")}
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return usageError{fmt.Errorf("SOURCE_DATE_EPOCH is %q: it must be seconds since 1970", seconds)}
	}
	r.time = time.Unix(n, 0).UTC()
	return nil
}

func (r *release) askGit(ctx context.Context, anyState bool, seconds *string) error {
	changed, err := r.git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" && !anyState {
		return fmt.Errorf("the work tree has what no commit has, so nobody could build this release again; commit it, or try with -uncommitted:\n%s", changed)
	}
	if changed != "" {
		r.revision += "-with-changes"
	}
	if *seconds == "" {
		if *seconds, err = r.git(ctx, "log", "-1", "--format=%ct"); err != nil {
			return err
		}
	}
	if r.version != "" {
		return nil
	}
	tags, err := r.git(ctx, "tag", "--points-at", "HEAD", "--list", "v*")
	if err != nil {
		return err
	}
	if strings.Contains(tags, "\n") {
		return usageError{fmt.Errorf("which version? This commit has several tags: %s", strings.Join(strings.Fields(tags), ", "))}
	}
	r.version = tags
	return checkVersion(tags)
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // its arguments are ours
	cmd.Dir = r.source
	out, err := output(cmd)
	return strings.TrimSpace(string(out)), err
}

// output runs a command, and has what it complained of in the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return out, nil
}
