//go:build !windows && !linux

package main

import "os"

// hideInput is not needed where there are no services.
func hideInput(*os.File) (show func(), ok bool) { return nil, false }
