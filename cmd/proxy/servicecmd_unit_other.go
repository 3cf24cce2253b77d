//go:build !linux

package main

// serviceUnit is nothing where there is no systemd.
func serviceUnit() string { return "" }
