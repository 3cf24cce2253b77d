package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// readHidden reads a line that the console does not show.
func readHidden(console *os.File) (string, error) {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return "", err
	}
	if err := windows.SetConsoleMode(handle, mode&^windows.ENABLE_ECHO_INPUT|windows.ENABLE_LINE_INPUT|windows.ENABLE_PROCESSED_INPUT); err != nil {
		return "", err
	}
	defer func() { _ = windows.SetConsoleMode(handle, mode) }()
	return readLine(console)
}
