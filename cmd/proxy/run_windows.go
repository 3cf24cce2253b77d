package main

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// passedSignals are Ctrl-C and Ctrl-Break, which Go calls an interrupt both, and
// the end of the console or the session.
func passedSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// A child is the command that dvproxy runs, in a console group of its own. It
// and all that it starts are in a job with dvproxy, which ends when dvproxy
// does, however that comes about.
type child struct {
	cmd *exec.Cmd
}

// startChild starts the command.
func startChild(r *wrapper, env []string) (*child, error) {
	if err := enterJob(); err != nil {
		return nil, err
	}
	cmd := r.newCommand(env)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	return &child{cmd}, cmd.Start()
}

// enterJob puts dvproxy into a job that is closed with it. Children are in it
// from their first instruction, which they would not be if they were put there.
// Nobody but dvproxy holds the job, whose handle stays open until it ends.
func enterJob() error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return os.NewSyscallError("CreateJobObject", err)
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))) //nolint:gosec // G103: the call takes a structure by address
	if err != nil {
		return os.NewSyscallError("SetInformationJobObject", err)
	}
	return os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(job, windows.CurrentProcess()))
}

// wait returns the command's exit code when it has ended. What it left running
// ends with dvproxy.
func (c *child) wait() int {
	_ = c.cmd.Wait() // its outcome is in the state
	if c.cmd.ProcessState == nil {
		return exitFailed
	}
	return c.cmd.ProcessState.ExitCode()
}

// pass tells the command's group to end. Ctrl-C is off in a new group, so it is
// Ctrl-Break; without a console there is nothing gentler than the end.
func (c *child) pass(syscall.Signal) {
	group := uint32(c.cmd.Process.Pid) //nolint:gosec // G115: it was one before Go made it an int
	if windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, group) != nil {
		_ = c.cmd.Process.Kill()
	}
}
