package supervisor

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFromEnvironment(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for name, row := range map[string]struct {
		socket, usec, pid string
		there             bool
		period            time.Duration
		wrong             string // variable that the error names
	}{
		"nothing":              {},
		"watchdog alone":       {usec: "1000000"},
		"no watchdog":          {socket: "/n", there: true},
		"watchdog":             {socket: "/n", usec: "1500000", there: true, period: 1500 * time.Millisecond},
		"this process's":       {socket: "/n", usec: "1500000", pid: own, there: true, period: 1500 * time.Millisecond},
		"another's":            {socket: "/n", usec: "1500000", pid: own + "0", there: true},
		"not a number":         {socket: "/n", usec: "soon", there: true, wrong: "WATCHDOG_USEC"},
		"zero":                 {socket: "/n", usec: "0", there: true, wrong: "WATCHDOG_USEC"},
		"more than a Duration": {socket: "/n", usec: "9223372036854775807", there: true, wrong: "WATCHDOG_USEC"},
		"not a Unix socket":    {socket: "vsock:2:1234", wrong: "NOTIFY_SOCKET"},
		"relative":             {socket: "n", wrong: "NOTIFY_SOCKET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NOTIFY_SOCKET", row.socket)
			t.Setenv("WATCHDOG_USEC", row.usec)
			t.Setenv("WATCHDOG_PID", row.pid)
			s, err := FromEnvironment()
			if (s != nil) != row.there || s != nil && s.period != row.period {
				t.Errorf("got %+v, want there=%v with period %v", s, row.there, row.period)
			}
			if (err != nil) != (row.wrong != "") || err != nil && !strings.Contains(err.Error(), row.wrong) {
				t.Errorf("error %v, want one of %q", err, row.wrong)
			}
			for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
				if _, there := os.LookupEnv(name); there {
					t.Errorf("%s is still there for children", name)
				}
			}
		})
	}
}

// FuzzStatus: whatever the text, it is one line that systemd takes, and gives it
// no orders; a short plain text is left as it is.
func FuzzStatus(f *testing.F) {
	for _, text := range []string{"", "ready", "a\nMAINPID=1", "a\r\nb", "\x00", "\xff", "\u0085", strings.Repeat("é", longestStatus), strings.Repeat("a", longestStatus-1) + "\n\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var sent string
		s := &Systemd{send: func(message string) error { sent = message; return nil }}
		if err := s.Status(text); err != nil {
			t.Fatal(err)
		}
		got, ok := strings.CutPrefix(sent, "STATUS=")
		if !ok || strings.ContainsAny(got, "\n\r\x00") || !utf8.ValidString(got) || len(got) > longestStatus {
			t.Errorf("%q became %q", text, sent)
		}
		if plain := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0; plain && len(text) <= longestStatus && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
