package localtoken_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/localtoken"
)

// A file holds a secret that changes.
type file struct {
	mu    sync.Mutex
	text  string
	err   error
	reads atomic.Int64
	takes time.Duration
}

func (f *file) read() (string, error) {
	f.reads.Add(1)
	if f.takes > 0 {
		time.Sleep(f.takes)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text, f.err
}

func (f *file) write(text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.err = text, err
}

func (f *file) client() localtoken.Client { return localtoken.Client{ID: "nightly", Secret: f.read} }

func TestChangedSecretRevokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{text: "old"}
		l := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{f.client()}})
		token := l.token(t, "client_secret", "old")
		time.Sleep(time.Minute)
		f.write("new", nil)
		if !opens(l, l.token(t, "client_secret", "new")) {
			t.Error("the new secret does not work at once")
		}
		time.Sleep(time.Second)
		if opens(l, token) {
			t.Error("the token outlived its secret")
		}
		if passed, _ := l.asks(basic("nightly", "old")); passed {
			t.Error("the old secret still works")
		}
	})
}

// TestTokenOfAReplicaWithTheNewSecret: replicas see a change at different times.
func TestTokenOfAReplicaWithTheNewSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{text: "old"}
		here := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{f.client()}})
		time.Sleep(500 * time.Millisecond)
		f.write("new", nil)
		there := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{f.client()}})
		if !opens(here, there.token(t, "client_secret", "new")) {
			t.Error("the token is refused by a replica that has not seen the new secret yet")
		}
	})
}

func TestPreviousSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, before := &file{text: "old"}, &file{}
		c := now.client()
		c.Previous = before.read
		l := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{c}})
		token := l.token(t, "client_secret", "old")
		before.write("old", nil)
		now.write("new", nil)
		time.Sleep(time.Second)
		if !opens(l, token) || !opens(l, l.token(t, "client_secret", "new")) {
			t.Error("both secrets should be good")
		}
		late := l.token(t, "client_secret", "old")
		before.write("", nil)
		time.Sleep(time.Second)
		if opens(l, token) {
			t.Error("the token outlived the previous secret")
		}
		if !opens(l, late) {
			t.Error("a token issued since the change was signed with the previous secret")
		}
	})
}

// TestUnreadableSecret: the one before stays, and that is said once.
func TestUnreadableSecret(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		f := &file{err: errors.New("the file does not exist")}
		l := listen(t, "contoso", localtoken.Options{
			Clients: []localtoken.Client{f.client()}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		for _, wrong := range []string{"", "x"} {
			if passed, _ := l.asks(basic("nightly", wrong)); passed {
				t.Errorf("%q is let pass while there is no secret", wrong)
			}
		}
		f.write("there", nil)
		time.Sleep(time.Minute)
		token := l.token(t, "client_secret", "there")
		for _, err := range []error{errors.New("permission denied"), nil} {
			f.write("", err)
			for range 3 {
				time.Sleep(time.Second)
				if !opens(l, token) {
					t.Errorf("the client is locked out by %v", err)
				}
			}
		}
	})
	for _, want := range []string{"does not exist", "permission denied", "the secret is empty"} {
		if got := strings.Count(log.String(), want); got != 1 {
			t.Errorf("%q was logged %d times:\n%s", want, got, &log)
		}
	}
}

// TestSlowSecretHoldsUpNobody: but the one request that reads it, and those
// that need to know.
func TestSlowSecretHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{text: "old"}
		l := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{f.client()}})
		token := l.token(t, "client_secret", "old")
		time.Sleep(time.Minute)
		f.takes = time.Second
		f.write("new", nil)
		before := f.reads.Load()
		go l.asks("Bearer " + token) // reads
		synctest.Wait()
		start := time.Now()
		if !opens(l, token) || time.Since(start) > 0 {
			t.Errorf("a request with a good token waited %v", time.Since(start))
		}
		if passed, _ := l.asks(basic("nightly", "new")); !passed || time.Since(start) != time.Second {
			t.Errorf("a request with the new secret: passed: %v after %v", passed, time.Since(start))
		}
		synctest.Wait()
		if reads := f.reads.Load() - before; reads != 1 {
			t.Errorf("the secret was read %d times", reads)
		}
	})
}

func TestGuessesReadLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{text: "old"}
		l := listen(t, "contoso", localtoken.Options{Clients: []localtoken.Client{f.client()}})
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			l.asks("Bearer eyJ0.e30.x")
		}
		if reads := f.reads.Load(); reads > 22 {
			t.Errorf("the secret was read %d times in a second", reads)
		}
	})
}
