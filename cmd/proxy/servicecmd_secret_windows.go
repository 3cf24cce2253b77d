package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// hideInput lets a console not show what is typed, until show is called. It is
// not ok if f is no console.
func hideInput(f *os.File) (show func(), ok bool) {
	handle := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return nil, false
	}
	hidden := mode&^windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	if windows.SetConsoleMode(handle, hidden) != nil {
		return nil, false
	}
	return func() { _ = windows.SetConsoleMode(handle, mode) }, true
}
