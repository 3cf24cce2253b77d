package main

import "dvproxy/deploy/systemd"

// serviceUnit is what systemd is given to start dvproxy by.
func serviceUnit() string { return systemd.Unit }
