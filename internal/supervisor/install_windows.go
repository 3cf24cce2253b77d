package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

const (
	resetPeriod = 24 * time.Hour // without a failure, after which failures are counted anew
	// preshutdown is how long the machine waits, when it shuts down, for what is
	// in flight.
	preshutdown = 3 * time.Minute
	allEvents   = eventlog.Error | eventlog.Warning | eventlog.Info
)

// recovery is what the manager does when the service fails: the first time, the
// second, and from then on.
func recovery() []mgr.RecoveryAction {
	return []mgr.RecoveryAction{
		{Type: mgr.ServiceRestart, Delay: 5 * time.Second},
		{Type: mgr.ServiceRestart, Delay: 30 * time.Second},
		{Type: mgr.ServiceRestart, Delay: time.Minute},
	}
}

// Install implements [Manager]. The service runs as an account that exists for
// it alone, and has no password: NT SERVICE\name.
func (c controlled) Install(_ context.Context, d Definition) (err error) {
	m, err := connect(windows.SC_MANAGER_CONNECT | windows.SC_MANAGER_CREATE_SERVICE)
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.CreateService(c.name, d.Program, mgr.Config{
		StartType:        mgr.StartAutomatic,
		ErrorControl:     mgr.ErrorNormal,
		ServiceStartName: `NT SERVICE\` + c.name,
		DisplayName:      d.DisplayName,
		Description:      d.Description,
	}, d.Arguments...)
	if err != nil {
		return reworded("create the service", err)
	}
	defer func() { _ = s.Close() }()
	made := &files{}
	defer func() {
		if err != nil {
			made.remove()
			_ = s.Delete()
		}
	}()
	if err := configure(s); err != nil {
		return err
	}
	if err := c.writeFiles(made, d); err != nil {
		return err
	}
	// A source that was left behind may name a file that is gone.
	_ = eventlog.Remove(c.name)
	if err := eventlog.InstallAsEventCreate(c.name, allEvents); err != nil {
		return reworded("register with the event log", err)
	}
	return nil
}

// configure sets all that goes beyond creating a service. The structures that
// are passed have a single field each, but for that of the failure actions.
func configure(s *mgr.Service) error {
	yes := int32(1)
	sid := uint32(windows.SERVICE_SID_TYPE_UNRESTRICTED)
	timeout := uint32(preshutdown / time.Millisecond)
	// Walking through folders is all that is left of an account's privileges,
	// among them to act as others. Two zeros end the list.
	privileges := utf16.Encode([]rune("SeChangeNotifyPrivilege\x00\x00"))
	list := &privileges[0]
	for _, tried := range []struct {
		what string
		err  error
	}{
		{"let the machine's own services start first", change(s, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &yes)},
		{"give the service an id of its own", change(s, windows.SERVICE_CONFIG_SERVICE_SID_INFO, &sid)},
		{"set how long a shutdown waits", change(s, windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, &timeout)},
		{"set which privileges the service keeps", change(s, windows.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &list)},
		{"count an exit code as a failure", change(s, windows.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &yes)},
	} {
		if tried.err != nil && !isUnknown(tried.err) {
			return reworded(tried.what, tried.err)
		}
	}
	err := s.SetRecoveryActions(recovery(), uint32(resetPeriod/time.Second))
	if err != nil && !isUnknown(err) {
		return reworded("set what is done when the service fails", err)
	}
	return nil
}

// change sets what info, a structure, says.
func change[T any](s *mgr.Service, level uint32, info *T) error {
	return windows.ChangeServiceConfig2(s.Handle, level, (*byte)(unsafe.Pointer(info))) //nolint:gosec // G103: the call takes a structure by address
}

// isUnknown says whether the system does not know a setting. Windows has had all
// of them since Vista and Server 2008; wine, which the tests run in, has not.
func isUnknown(err error) bool { return errors.Is(err, windows.ERROR_INVALID_LEVEL) }

// Uninstall implements [Manager].
func (c controlled) Uninstall(ctx context.Context) (left []string, err error) {
	const remove = 0x10000 // DELETE, among the standard rights
	s, closeAll, err := c.open(remove | windows.SERVICE_STOP | windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	if err := stop(ctx, s); err != nil {
		return nil, err
	}
	if err := s.Delete(); err != nil {
		return nil, reworded("remove the service", err)
	}
	_ = eventlog.Remove(c.name) // is not there, or does no harm
	places, err := c.Places()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(places.Secret); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the service is removed, but not its secret; delete it yourself: %w", err)
	}
	folder, err := c.folder()
	if err != nil {
		return nil, err
	}
	if os.Remove(folder) == nil { // nothing is in it
		return nil, nil
	}
	return existing(places.Config, places.Log, folder), nil
}

func existing(paths ...string) (there []string) {
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			there = append(there, path)
		}
	}
	return there
}
