package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	patience      = time.Second // with a systemd that does not read
	longestStatus = 1000        // bytes; a whole message may have 4096
)

// A Systemd is the systemd that has started this process and wants to hear from
// it, by the protocol of sd_notify(3): when it is ready, when it reads its
// configuration again and when it stops; what it is doing, in words; and from
// time to time that it is alive. Nil is none, and then nothing is sent anywhere.
type Systemd struct {
	send   func(message string) error
	period time.Duration // in which a sign of life is wanted; 0 for never
}

// FromEnvironment returns the systemd that the variables NOTIFY_SOCKET,
// WATCHDOG_USEC and WATCHDOG_PID name; nil if there are none. It removes them, so
// that processes which this one starts do not take themselves for it. The error
// names the one that makes no sense. sd_notify(3), sd_watchdog_enabled(3).
func FromEnvironment() (*Systemd, error) {
	socket, usec, pid := take("NOTIFY_SOCKET"), take("WATCHDOG_USEC"), take("WATCHDOG_PID")
	switch {
	case socket == "":
		return nil, nil
	case socket[0] != '/' && socket[0] != '@': // the latter is a name outside of the file system
		return nil, fmt.Errorf("NOTIFY_SOCKET is %q, and dvproxy only knows Unix sockets, by an absolute path or @ and a name", socket)
	}
	s := &Systemd{send: func(message string) error { return sendTo(socket, message) }}
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return s, nil
	}
	n, err := strconv.ParseUint(usec, 10, 63)
	s.period = time.Duration(n) * time.Microsecond
	if err != nil || s.period <= 0 || s.period/time.Microsecond != time.Duration(n) {
		s.period = 0
		return s, fmt.Errorf("WATCHDOG_USEC is %q, which is no number of microseconds", usec)
	}
	return s, nil
}

func take(name string) string {
	value := os.Getenv(name)
	_ = os.Unsetenv(name) // fails for names that cannot be
	return value
}

func sendTo(socket, message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, err = conn.Write([]byte(message))
	return errors.Join(err, conn.Close())
}

// Ready says that the process does what it is there for.
func (s *Systemd) Ready(status string) error {
	return s.tell("READY=1", "STATUS="+oneLine(status))
}

// Reloading says that the process reads its configuration again. [Systemd.Ready]
// ends that, whatever came of it.
func (s *Systemd) Reloading(status string) error {
	lines := []string{"RELOADING=1", "STATUS=" + oneLine(status)}
	if now := monotonic(); now > 0 { // wanted by Type=notify-reload
		lines = append(lines, fmt.Sprintf("MONOTONIC_USEC=%d", now.Microseconds()))
	}
	return s.tell(lines...)
}

// Stopping says that the process is on its way out, and how long that may take,
// which counts where it is longer than the unit's TimeoutStopSec.
func (s *Systemd) Stopping(status string, within time.Duration) error {
	return s.tell("STOPPING=1", "STATUS="+oneLine(status), fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
}

// Status says in words what the process is doing.
func (s *Systemd) Status(status string) error { return s.tell("STATUS=" + oneLine(status)) }

func (s *Systemd) tell(lines ...string) error {
	if s == nil {
		return nil
	}
	if err := s.send(strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}

// oneLine makes a text one line of a message: what follows a line end would be
// an order to systemd. It refuses what is not UTF-8.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) <= longestStatus {
		return text
	}
	const more = "..."
	end := longestStatus - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
