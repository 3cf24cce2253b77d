package main

import (
	"fmt"
	"strings"
	"time"

	"dvproxy/internal/tokencache"
)

// text says in one line how a setup is: which environments wait for a
// token and why, and how it stands with those that hold one.
func (s *setup) text() string {
	now := time.Now()
	var ready, waiting []string
	for _, e := range s.environments {
		state := e.identity.cache.Status()
		text := e.config.Name + ": " + tokenText(state, now)
		if state.Live {
			ready = append(ready, text)
		} else {
			waiting = append(waiting, text)
		}
	}
	var parts []string
	if len(waiting) > 0 {
		parts = append(parts, "waiting for a token: "+strings.Join(waiting, "; "))
	}
	if len(ready) > 0 {
		parts = append(parts, "ready: "+strings.Join(ready, "; "))
	}
	return strings.Join(parts, "; ")
}

func tokenText(s tokencache.Status, now time.Time) string {
	switch {
	case s.Live && s.LastError == nil:
		return "token renews in " + roughly(s.Renews.Sub(now))
	case s.Live:
		return fmt.Sprintf("token ends in %s and is not renewed: %v", roughly(s.Runway), s.LastError)
	case s.LastError != nil:
		return s.LastError.Error()
	}
	return "signing in"
}

// roughly is a time that is still right a while later, when somebody reads it.
func roughly(d time.Duration) string {
	const hours, days = 2 * time.Hour, 48 * time.Hour
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < hours:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < days:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
