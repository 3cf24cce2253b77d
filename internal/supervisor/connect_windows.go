package supervisor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// connect connects to the service control manager. Package mgr always wants all
// rights, which would make a query an administrator's business.
func connect(rights uint32) (*mgr.Mgr, error) {
	handle, err := windows.OpenSCManager(nil, nil, rights)
	if err != nil {
		return nil, reworded("connect to the service control manager", err)
	}
	return &mgr.Mgr{Handle: handle}, nil
}

// open opens the service with the rights that are needed.
func (c controlled) open(rights uint32) (s *mgr.Service, closeAll func(), err error) {
	m, err := connect(windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, nil, err
	}
	s, err = c.openAt(m, rights)
	if err != nil {
		_ = m.Disconnect()
		return nil, nil, err
	}
	return s, func() { _ = s.Close(); _ = m.Disconnect() }, nil
}

func (c controlled) openAt(m *mgr.Mgr, rights uint32) (*mgr.Service, error) {
	name, err := windows.UTF16PtrFromString(c.name)
	if err != nil {
		return nil, err
	}
	handle, err := windows.OpenService(m.Handle, name, rights)
	if err != nil {
		return nil, reworded("open the service", err)
	}
	return &mgr.Service{Name: c.name, Handle: handle}, nil
}

// reworded says what was tried, and gives what callers look for its name.
func reworded(what string, err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("%s: %w (start PowerShell by: Run as administrator)", what, ErrDenied)
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		return ErrNotInstalled
	case errors.Is(err, windows.ERROR_SERVICE_EXISTS), errors.Is(err, windows.ERROR_DUPLICATE_SERVICE_NAME):
		return ErrInstalled
	case errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return fmt.Errorf("%s: the service is about to be removed; close what still shows it, such as the Services window", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
