package supervisor

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// Calls are what the service control manager has to say to the program, and
// what that says to it.
type Calls struct {
	Told    context.Context // done once it is to end; its cause says why
	Reload  <-chan struct{} // has one for each time that the configuration is to be read again
	Running func()          // to be called once the work has begun
}

// Run lets work do the work of the service of that name, in the process that the
// service control manager has started for it, and returns when it has ended.
// Its exit code is the service's; one that is not 0 makes the manager start the
// service again. Anywhere else Run fails at once.
func Run(name string, work func(Calls) (exitCode uint32)) error {
	err := svc.Run(name, handler{work})
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return errors.New("this is what the service control manager starts; use: dvproxy service start")
	}
	return err
}

type handler struct{ work func(Calls) uint32 }

const (
	between = time.Second // reports of an ending that takes time
	// hint is within what time the manager may expect the next report.
	hint    = 10 * time.Second
	accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown | svc.AcceptParamChange
)

// Execute implements [svc.Handler].
func (h handler) Execute(_ []string, requests <-chan svc.ChangeRequest, states chan<- svc.Status) (specific bool, exitCode uint32) {
	pending := func(state svc.State, step uint32) {
		states <- svc.Status{State: state, CheckPoint: step, WaitHint: uint32(hint / time.Millisecond)}
	}
	pending(svc.StartPending, 1)
	told, tell := context.WithCancelCause(context.Background())
	defer tell(nil)
	reload, running, ended := make(chan struct{}, 1), make(chan struct{}, 1), make(chan uint32, 1)
	go func() {
		ended <- h.work(Calls{told, reload, func() { running <- struct{}{} }})
	}()
	step := uint32(1)
	var tick <-chan time.Time // while it takes time to start or to end
	clock := time.NewTicker(between)
	defer clock.Stop()
	tick = clock.C
	for state := svc.StartPending; ; {
		select {
		case exitCode = <-ended:
			return true, exitCode
		case <-running:
			if state == svc.StartPending {
				state, tick = svc.Running, nil
				states <- svc.Status{State: state, Accepts: accepts}
			}
		case <-tick:
			step++
			pending(state, step)
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				states <- r.CurrentStatus
			case svc.ParamChange:
				select {
				case reload <- struct{}{}:
				default: // one that has not begun yet will do for both
				}
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				tell(reason(r.Cmd))
				state, tick = svc.StopPending, clock.C
				pending(state, step)
			}
		}
	}
}

func reason(c svc.Cmd) error {
	if c == svc.Stop {
		return errors.New("the service is stopped")
	}
	return errors.New("the machine shuts down")
}
