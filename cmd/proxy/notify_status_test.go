package main

import (
	"errors"
	"testing"
	"time"

	"dvproxy/internal/tokencache"
)

func TestTokenText(t *testing.T) {
	now := time.Now()
	bad := errors.New("Entra answers with status 503")
	for name, row := range map[string]struct {
		in   tokencache.Status
		want string
	}{
		"before the first": {tokencache.Status{}, "signing in"},
		"none":             {tokencache.Status{LastError: bad}, "Entra answers with status 503"},
		"live":             {tokencache.Status{Live: true, Renews: now.Add(12*time.Minute + 59*time.Second)}, "token renews in 12 min"},
		"soon":             {tokencache.Status{Live: true, Renews: now.Add(59 * time.Second)}, "token renews in less than a minute"},
		"overdue":          {tokencache.Status{Live: true, Renews: now.Add(-time.Minute)}, "token renews in less than a minute"},
		"long":             {tokencache.Status{Live: true, Renews: now.Add(7*time.Hour + 50*time.Minute)}, "token renews in 7 hours"},
		"longer":           {tokencache.Status{Live: true, Renews: now.Add(72 * time.Hour)}, "token renews in 3 days"},
		"outage":           {tokencache.Status{Live: true, Runway: 40 * time.Minute, Renews: now, LastError: bad}, "token ends in 40 min and is not renewed: Entra answers with status 503"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tokenText(row.in, now); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
