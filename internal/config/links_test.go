package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAliases(t *testing.T) {
	for _, row := range []struct {
		url, more string
		want      []string
	}{
		{"https://contoso.crm.dynamics.com", "", []string{"https://contoso.api.crm.dynamics.com"}},
		{"https://Contoso.crm4.dynamics.com", "", []string{"https://contoso.api.crm4.dynamics.com"}},
		{"https://contoso.api.crm.dynamics.com", "", []string{"https://contoso.crm.dynamics.com"}},
		{"https://contoso.crm.microsoftdynamics.us", "", []string{"https://contoso.api.crm.microsoftdynamics.us"}},
		{"https://contoso.crm.appsplatform.us", "", []string{"https://contoso.api.crm.appsplatform.us"}},
		{"https://contoso.crm.dynamics.cn", "", []string{"https://contoso.api.crm.dynamics.cn"}},
		{"https://contoso.crm.dynamics.com.example", "", nil},
		{"https://a.b.crm.dynamics.com", "", nil},
		{"https://contoso.crm.dynamics.com:8443", "", nil},
		{"http://localhost:8080", "", nil},
		{"https://contoso.crm.dynamics.com", "aliases: []", nil},
		{"https://contoso.crm.dynamics.com", "aliases: ['HTTPS://Other.crm.dynamics.com:443/', https://b.example]", []string{"https://other.crm.dynamics.com", "https://b.example"}},
	} {
		file := "environments:\n- url: " + row.url + "\n  credential: {tenant_id: t, client_id: c, client_secret: s}\n"
		if row.more != "" {
			file += "  " + row.more + "\n"
		}
		c, err := load(t, input{file: file})
		if err != nil {
			t.Errorf("%s, %s: %v", row.url, row.more, err)
			continue
		}
		if diff := cmp.Diff(row.want, c.Environments[0].Aliases); diff != "" {
			t.Errorf("%s, %s: %s", row.url, row.more, diff)
		}
	}
}

func TestPublicURL(t *testing.T) {
	c, err := load(t, input{file: ok + "  public_url: HTTP://Gateway.Internal:80/\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Environments[0].PublicURL; got != "http://gateway.internal" {
		t.Errorf("public_url %s, want http://gateway.internal", got)
	}
}
