//go:build !windows && !linux

package supervisor

import "context"

// nowhere is a manager where there is none.
type nowhere struct{}

func (nowhere) Places() (Places, error)                   { return Places{}, ErrUnsupported }
func (nowhere) Install(context.Context, Definition) error { return ErrUnsupported }
func (nowhere) Uninstall(context.Context) ([]string, error) {
	return nil, ErrUnsupported
}
func (nowhere) Start(context.Context) error            { return ErrUnsupported }
func (nowhere) Stop(context.Context) error             { return ErrUnsupported }
func (nowhere) Status(context.Context) (Status, error) { return Status{}, ErrUnsupported }

// New returns the manager of the service of that name.
func New(string) Manager { return nowhere{} }
