package supervisor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// A controlled service is one of the service control manager's.
type controlled struct {
	name string
}

// New returns the manager of the service of that name.
func New(name string) Manager { return controlled{name} }

// Places are in a folder of the service's own in C:\ProgramData.
func (c controlled) Places() (Places, error) {
	folder, err := c.folder()
	if err != nil {
		return Places{}, err
	}
	return Places{
		Config: filepath.Join(folder, c.name+".yaml"),
		Secret: filepath.Join(folder, "client-secret"),
		Log:    filepath.Join(folder, logFolder, c.name+".log"),
	}, nil
}

const logFolder = "log"

func (c controlled) folder() (string, error) {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, 0)
	if err != nil {
		return "", fmt.Errorf("find the folder for programs' data: %w", err)
	}
	return filepath.Join(data, c.name), nil
}

// Start implements [Manager].
func (c controlled) Start(ctx context.Context) error {
	s, closeAll, err := c.open(windows.SERVICE_START | windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return reworded("start the service", err)
	}
	now, err := await(ctx, s, svc.Running, svc.Stopped)
	switch {
	case err != nil:
		return err
	case now.State == svc.Running:
		return nil
	}
	if exit := lastExit(now); exit != "" {
		return fmt.Errorf("the service has ended again: %s", exit)
	}
	return errors.New("the service has ended again, and is not tried again by itself")
}

// Stop implements [Manager].
func (c controlled) Stop(ctx context.Context) error {
	s, closeAll, err := c.open(windows.SERVICE_STOP | windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer closeAll()
	return stop(ctx, s)
}

func stop(ctx context.Context, s *mgr.Service) error {
	// One that is just starting takes no orders yet.
	if _, err := await(ctx, s, svc.Running, svc.Stopped, svc.StopPending); err != nil {
		return err
	}
	if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) && !errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL) {
		return reworded("stop the service", err)
	}
	_, err := await(ctx, s, svc.Stopped)
	return err
}

// await asks until the service is in one of the states.
func await(ctx context.Context, s *mgr.Service, states ...svc.State) (svc.Status, error) {
	const between = 50 * time.Millisecond
	for {
		now, err := s.Query()
		if err != nil {
			return now, reworded("ask for the service's state", err)
		}
		for _, state := range states {
			if now.State == state {
				return now, nil
			}
		}
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return now, fmt.Errorf("the service is still %s: %w", stateName(now.State), context.Cause(ctx))
		}
	}
}

// Status implements [Manager]. Any account may ask.
func (c controlled) Status(context.Context) (Status, error) {
	s, closeAll, err := c.open(windows.SERVICE_QUERY_STATUS | windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return Status{}, err
	}
	defer closeAll()
	now, err := s.Query()
	if err != nil {
		return Status{}, reworded("ask for the service's state", err)
	}
	command, err := commandOf(s)
	if err != nil {
		return Status{}, reworded("ask for the service's command line", err)
	}
	return Status{
		State:   stateName(now.State),
		Running: now.State == svc.Running,
		PID:     int(now.ProcessId),
		Exit:    lastExit(now),
		Command: command,
	}, nil
}

// commandOf is what the manager starts.
func commandOf(s *mgr.Service) ([]string, error) {
	size := uint32(8 << 10) // the most that there can be, says QueryServiceConfig
	buffer := make([]byte, size)
	config := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buffer[0])) //nolint:gosec // G103: the call fills a structure
	if err := windows.QueryServiceConfig(s.Handle, config, size, &size); err != nil {
		return nil, err
	}
	return windows.DecomposeCommandLine(windows.UTF16PtrToString(config.BinaryPathName))
}

func stateName(s svc.State) string {
	names := map[svc.State]string{
		svc.Stopped: "stopped", svc.StartPending: "starting", svc.StopPending: "stopping", svc.Running: "running",
		svc.ContinuePending: "continuing", svc.PausePending: "pausing", svc.Paused: "paused",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("in state %d", s)
}

// lastExit is how a service ended the last time, empty if well or never.
func lastExit(s svc.Status) string {
	switch code := windows.Errno(s.Win32ExitCode); {
	case s.State != svc.Stopped || code == windows.NO_ERROR || code == windows.ERROR_SERVICE_NEVER_STARTED:
		return ""
	case code == windows.ERROR_SERVICE_SPECIFIC_ERROR:
		return fmt.Sprintf("exit code %d", s.ServiceSpecificExitCode)
	default:
		return fmt.Sprintf("system error %d, %v", s.Win32ExitCode, code)
	}
}
