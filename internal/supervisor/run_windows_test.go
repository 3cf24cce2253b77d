package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/windows/svc"
)

// A manager starts a handler and reads what it reports.
type fakeManager struct {
	requests chan svc.ChangeRequest
	states   chan svc.Status
	ended    chan uint32
}

func start(work func(Calls) uint32) *fakeManager {
	m := &fakeManager{make(chan svc.ChangeRequest), make(chan svc.Status), make(chan uint32, 1)}
	go func() {
		_, code := handler{work}.Execute(nil, m.requests, m.states)
		m.ended <- code
	}()
	return m
}

func (m *fakeManager) expect(t *testing.T, want svc.State) svc.Status {
	t.Helper()
	select {
	case got := <-m.states:
		if got.State != want {
			t.Fatalf("state %d, want %d", got.State, want)
		}
		return got
	case <-time.After(time.Minute):
		t.Fatalf("no report of state %d", want)
		return svc.Status{}
	}
}

func TestServiceRunsReloadsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reloads := 0
		m := start(func(c Calls) uint32 {
			c.Running()
			for {
				select {
				case <-c.Reload:
					reloads++
				case <-c.Told.Done():
					time.Sleep(5 * time.Second) // what is in flight
					return 0
				}
			}
		})
		m.expect(t, svc.StartPending)
		if s := m.expect(t, svc.Running); s.Accepts != accepts {
			t.Errorf("accepts %x, want %x", s.Accepts, accepts)
		}
		m.requests <- svc.ChangeRequest{Cmd: svc.Interrogate, CurrentStatus: svc.Status{State: svc.Running}}
		m.expect(t, svc.Running)
		m.requests <- svc.ChangeRequest{Cmd: svc.ParamChange}
		synctest.Wait()
		m.requests <- svc.ChangeRequest{Cmd: svc.Stop}
		step := uint32(0)
		for range 5 { // one for each second and one at once
			s := m.expect(t, svc.StopPending)
			if s.CheckPoint <= step || s.WaitHint == 0 {
				t.Errorf("check point %d after %d, wait hint %d", s.CheckPoint, step, s.WaitHint)
			}
			step = s.CheckPoint
		}
		for done := false; !done; {
			select {
			case <-m.states: // the one of the last second may come
			case code := <-m.ended:
				done = true
				if code != 0 || reloads != 1 {
					t.Errorf("exit code %d, %d reloads", code, reloads)
				}
			}
		}
	})
}

func TestServiceThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(func(Calls) uint32 { return 1 })
		m.expect(t, svc.StartPending)
		if code := <-m.ended; code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
	})
}

// A start that takes long tells the manager to go on waiting.
func TestServiceThatIsSlowToStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(func(c Calls) uint32 {
			time.Sleep(2500 * time.Millisecond)
			c.Running()
			<-c.Told.Done()
			return 0
		})
		m.expect(t, svc.StartPending)
		m.expect(t, svc.StartPending)
		m.expect(t, svc.StartPending)
		m.expect(t, svc.Running)
		m.requests <- svc.ChangeRequest{Cmd: svc.PreShutdown}
		m.expect(t, svc.StopPending)
		if code := <-m.ended; code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}
