package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"dvproxy/internal/config"
)

// Four variables are a complete set-up.
func ExampleLoad() {
	env := map[string]string{
		"DATAVERSE_URL":       "https://contoso.crm.dynamics.com/",
		"AZURE_TENANT_ID":     "contoso.onmicrosoft.com",
		"AZURE_CLIENT_ID":     "11111111-1111-1111-1111-111111111111",
		"AZURE_CLIENT_SECRET": "the value",
	}
	c, err := config.Load(config.Source{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := c.Environments[0]
	fmt.Println(e.Name, "at", e.Listen, "for", e.URL)
	fmt.Println(e.Credential.TokenEndpoint(), e.Credential.Scope, e.Credential.ClientSecret)
	// Output:
	// contoso at localhost:7080 for https://contoso.crm.dynamics.com
	// https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token https://contoso.crm.dynamics.com/.default [redacted]
}

// The mistakes that are made most often: the address of the web API in place of
// the origin, a wait without a unit, and no client id.
func ExampleLoad_mistakes() {
	dir, err := os.MkdirTemp("", "dvproxy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "dvproxy.yaml")
	text := `environments:
  - url: https://contoso.crm.dynamics.com/api/data/v9.2
    retry: {max_wait: 60}
    credential:
      tenant_id: contoso.onmicrosoft.com
      clientid: 11111111-1111-1111-1111-111111111111
      client_secret: the value
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	_, err = config.Load(config.Source{Args: map[string]string{"config": file}})
	var problems config.Problems
	errors.As(err, &problems)
	for _, p := range problems {
		p.File = filepath.Base(p.File)
		fmt.Println(p)
	}
	// Output:
	// dvproxy.yaml:2:10: environments[0].url: must be the origin alone, without a path or query: https://contoso.crm.dynamics.com
	// dvproxy.yaml:3:23: environments[0].retry.max_wait: must be a duration between 0s and 1h, for example 60s
	// dvproxy.yaml:6:7: environments[0].credential.clientid: unknown key; did you mean client_id?
}

// KB, MB and GB mean different sizes to different people.
func ExampleParseSize() {
	for _, text := range []string{"256KiB", "1048576", "128MB"} {
		fmt.Println(config.ParseSize(text))
	}
	// Output:
	// 256KiB <nil>
	// 1MiB <nil>
	// 0 not a whole number of bytes, KiB, MiB or GiB
}
