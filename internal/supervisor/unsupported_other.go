//go:build !windows && !linux

package supervisor

// New returns the manager of the service of that name.
func New(string) Manager { return nowhere{} }
