//go:build !windows && !linux

package main

import (
	"os"

	"dvproxy/internal/supervisor"
)

// readHidden is not needed where there are no services.
func readHidden(*os.File) (string, error) { return "", supervisor.ErrUnsupported }
