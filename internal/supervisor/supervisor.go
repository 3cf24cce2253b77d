// Package supervisor speaks with what starts, watches and stops the program: the
// service control manager of Windows, or systemd.
//
// A [Manager] puts a program under its care and takes it out again. What a
// service needs beside its program are a configuration file and a secret; where
// they lie is the manager's to say ([Places]), since that depends on who may read
// what on that system.
package supervisor

import (
	"context"
	"errors"
)

// A Definition is a program that is to run as a service.
type Definition struct {
	DisplayName string // a few words, where services are listed
	Description string // a sentence
	Program     string // absolute path
	Arguments   []string
	Config      []byte // what to write to Places.Config; nil for no such file
	Secret      []byte // what to write to Places.Secret; nil for no such file

	// For systemd: the unit, whose ExecStart is replaced; and files that the
	// service has to be able to read, beside those that Install writes.
	Unit  string
	Reads []string
}

// Places are where a service finds what is its own, by absolute path.
type Places struct {
	Config string // Definition.Config
	Secret string // Definition.Secret, which only the service and administrators can read
	Kept   string // the file that Secret is a copy of, made at each start; empty if it is none
	Log    string // the file to log to; empty if standard error is kept for it
}

// A Status is what the manager knows of a service.
type Status struct {
	State   string   // in the manager's own words, such as "running" or "stopped"
	Running bool     // it has begun its work and has not been told to stop
	PID     int      // 0 if there is no process
	Exit    string   // how it ended the last time, such as "exit code 1"; empty if well, or not yet
	Said    string   // what it said of itself the last time; empty if it cannot
	Command []string // its program and arguments, as installed
	Foreign bool     // not made by Install, or changed since: more than Command may count
}

// A Manager manages one service. Its methods return an error that wraps
// [ErrNotInstalled], [ErrInstalled], [ErrDenied] or [ErrUnsupported] where that is
// the matter.
type Manager interface {
	// Places are where the service would find its files, installed or not.
	Places() (Places, error)
	// Install makes the service, to be started with the machine, and its files.
	// It is not started yet. What was made is undone if the rest fails.
	Install(context.Context, Definition) error
	// Uninstall stops the service and removes it with the secret that Install
	// wrote. It returns the paths of what it left.
	Uninstall(context.Context) (left []string, err error)
	// Start returns once the service has begun its work, or with how it failed to.
	Start(context.Context) error
	// Stop returns once the service has ended. One that does not run is no error.
	Stop(context.Context) error
	Status(context.Context) (Status, error)
}

// What may be the matter with a service.
var (
	ErrNotInstalled = errors.New("the service is not installed")
	ErrInstalled    = errors.New("the service is installed already")
	ErrDenied       = errors.New("only an administrator may do that")
	ErrUnsupported  = errors.New("services are managed on Windows and, with systemd, on Linux only")
)
