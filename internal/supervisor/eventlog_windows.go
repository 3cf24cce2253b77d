package supervisor

import (
	"strings"

	"golang.org/x/sys/windows/svc/eventlog"
)

// An EventLog writes to the Windows event log, where administrators look first.
// It is no place for much.
type EventLog struct{ log *eventlog.Log }

// OpenEventLog opens the event log for the service of that name.
func OpenEventLog(name string) (*EventLog, error) {
	log, err := eventlog.Open(name)
	if err != nil {
		return nil, err
	}
	return &EventLog{log}, nil
}

// A Severity is how an event is shown.
type Severity int

// The severities of events.
const (
	Info Severity = iota
	Warning
	Error
)

// Write writes an event. EventCreate.exe, which is on every machine and shows
// any text for a number up to 1000, lends it the message.
func (e *EventLog) Write(s Severity, text string) error {
	const number = 1
	const longest = 31_000 // of ReportEvent's 31,839 characters
	text = strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), longest)], "\x00", ""), "")
	switch s {
	case Error:
		return e.log.Error(number, text)
	case Warning:
		return e.log.Warning(number, text)
	}
	return e.log.Info(number, text)
}

// Close lets go of the event log.
func (e *EventLog) Close() error { return e.log.Close() }
