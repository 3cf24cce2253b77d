package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/config"
	"dvproxy/internal/tokencache"
)

func TestTheSameCredentialAndScopeShareAToken(t *testing.T) {
	credential := func(change func(*config.Credential)) config.Environment {
		c := config.Credential{TenantID: "t", ClientID: "c", ClientSecret: config.NewSecret("s"), Authority: "https://login.microsoftonline.com", Scope: "https://a/.default"}
		change(&c)
		return config.Environment{Credential: c, RenewAt: 0.5}
	}
	first := credential(func(*config.Credential) {})
	sooner := credential(func(c *config.Credential) { c.ClientSecret = config.NewSecret("s") })
	sooner.RenewAt = 0.2
	all := []config.Environment{
		first, sooner,
		credential(func(c *config.Credential) { c.Scope = "https://b/.default" }),
		credential(func(c *config.Credential) { c.ClientSecret = config.NewSecret("other") }),
		credential(func(c *config.Credential) { c.TenantID = "other" }),
	}
	ids := &identities{byKey: map[identityKey]*identity{}}
	keys := keysOf(&config.Config{Environments: all})
	var got []*identity
	for i, e := range all {
		id, err := ids.use(keys[i], e, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, id)
	}
	if got[0] != got[1] || got[0].key.renewAt != 0.2 {
		t.Error("the same credential with the same scope is not one identity, renewed at the sooner of the two")
	}
	for i := 2; i < len(got); i++ {
		if got[i] == got[0] {
			t.Errorf("environment %d shares the token of another credential", i)
		}
	}
	ids.release(got[0])
	if again, _ := ids.use(keys[1], all[1], slog.New(slog.DiscardHandler)); again != got[0] {
		t.Error("an identity that is in use is made a second time")
	}
	ids.release(got[0])
	ids.release(got[0])
	if again, _ := ids.use(keys[1], all[1], slog.New(slog.DiscardHandler)); again == got[0] {
		t.Error("an identity that nobody uses is still there")
	}
}

func TestACertificateThatEndsSoonIsWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		end := time.Now().Add(31 * 24 * time.Hour)
		w := &certificateWatch{expires: func() time.Time { return end }, log: slog.New(slog.NewTextHandler(&log, nil))}
		warnings := func() int { return strings.Count(log.String(), "expires soon") }
		w.look(tokencache.Renewal{})
		if warnings() != 0 {
			t.Error("warned 31 days ahead")
		}
		time.Sleep(2 * 24 * time.Hour)
		for range 10 {
			w.look(tokencache.Renewal{})
			time.Sleep(time.Hour)
		}
		if warnings() != 1 || !strings.Contains(log.String(), "days_left=29") {
			t.Errorf("warned %d times in a day, want once:\n%s", warnings(), log.String())
		}
		time.Sleep(24 * time.Hour)
		if w.look(tokencache.Renewal{}); warnings() != 2 {
			t.Error("not warned on the next day")
		}
	})
}
