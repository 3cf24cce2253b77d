package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"dvproxy/internal/simulator"
)

const (
	asProgram = "TEST_AS_DVPROXY" // a variable
	asChild   = "as-child"        // an argument
)

// TestMain is the program itself, or a command that it runs, where a test starts
// this once more.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == asChild:
		os.Exit(untilBreak())
	case os.Getenv(asProgram) != "":
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// untilBreak is a command that ends well when it is told to.
func untilBreak() (exitCode int) {
	const told, notTold = 9, 8
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	os.Stdout.WriteString("up\n")
	select {
	case <-c:
		return told
	case <-time.After(20 * time.Second):
		return notTold
	}
}

// Ctrl-Break reaches the command, which may end as it likes. It has a group of its
// own, so that it gets it once, from dvproxy.
func TestWindowsBreakIsPassedOn(t *testing.T) {
	tenant, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tenant.Close()
	cmd := exec.Command(os.Args[0], "run", "--", os.Args[0], asChild)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATAVERSE_URL="+tenant.DataverseURL, "AZURE_AUTHORITY_HOST="+tenant.EntraURL,
		"AZURE_TENANT_ID="+tenant.TenantID(), "AZURE_CLIENT_ID="+tenant.ClientID(), "AZURE_CLIENT_SECRET="+tenant.ClientSecret())
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); strings.TrimSpace(line) != "up" {
		t.Fatalf("the command says %q, %v", line, err)
	}
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d, want the command's own, 9", code)
	}
}
