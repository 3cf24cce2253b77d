package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/config"
	"dvproxy/internal/lifetime"
)

// A lifetimeTenant is the environments that sign in at one token endpoint, and
// the way to the Graph that knows their policies.
type lifetimeTenant struct {
	environments []config.Environment
	cloud        lifetime.Cloud
	cloudError   error           // why cloud is not known
	command      lifetime.Tokens // nil: the environment's own credential
}

// lifetimeTenants sorts the environments by tenant. The error is a usageError.
func lifetimeTenants(c *config.Config, f lifetimeFlags) ([]lifetimeTenant, error) {
	environments := c.Environments
	if f.environment != "" {
		isNamed := func(e config.Environment) bool { return e.Name == f.environment }
		i := slices.IndexFunc(environments, isNamed)
		if i < 0 {
			return nil, usageError{fmt.Errorf("--environment %s: there is none of that name; there are %s", f.environment, environmentNames(environments))}
		}
		environments = environments[i : i+1]
	}
	var command lifetime.Tokens
	if f.tokenCommand != "" {
		var err error
		if command, err = lifetime.CommandTokens(f.tokenCommand); err != nil {
			return nil, usageError{fmt.Errorf("--graph-token-command: %w", err)}
		}
	}
	var tenants []lifetimeTenant
	for _, e := range environments {
		same := func(t lifetimeTenant) bool {
			return t.environments[0].Credential.TokenEndpoint() == e.Credential.TokenEndpoint()
		}
		if i := slices.IndexFunc(tenants, same); i >= 0 {
			tenants[i].environments = append(tenants[i].environments, e)
			continue
		}
		t := lifetimeTenant{environments: []config.Environment{e}, command: command}
		if err := t.findCloud(f.graphURL); err != nil {
			return nil, err
		}
		tenants = append(tenants, t)
	}
	if command != nil && len(tenants) > 1 {
		return nil, severalTenants(tenants)
	}
	return tenants, nil
}

// oneLifetimeTenant is the tenant that is to be changed.
func oneLifetimeTenant(c *config.Config, f lifetimeFlags) (lifetimeTenant, error) {
	tenants, err := lifetimeTenants(c, f)
	switch {
	case err != nil:
		return lifetimeTenant{}, err
	case len(tenants) > 1:
		return lifetimeTenant{}, severalTenants(tenants)
	case tenants[0].cloudError != nil:
		return lifetimeTenant{}, usageError{tenants[0].cloudError}
	}
	return tenants[0], nil
}

func severalTenants(tenants []lifetimeTenant) error {
	var each []string
	for _, t := range tenants {
		each = append(each, environmentNames(t.environments))
	}
	return usageError{fmt.Errorf("the environments are of several tenants (%s): name one with --environment", strings.Join(each, "; "))}
}

// findCloud says where Graph is. It guesses nothing: the token would go there.
func (t *lifetimeTenant) findCloud(graphURL string) error {
	if graphURL != "" {
		origin, err := lifetime.ParseGraphURL(graphURL)
		if err != nil {
			return usageError{fmt.Errorf("--graph-url %w", err)}
		}
		t.cloud = lifetime.CloudAt(origin)
		return nil
	}
	e := t.environments[0]
	var ok bool
	if t.cloud, ok = lifetime.CloudOf(e.URL, e.Credential.TokenEndpoint()); !ok {
		t.cloudError = fmt.Errorf("which cloud %s is in cannot be told from its addresses: name its Graph with --graph-url", e.Name)
	}
	return nil
}

// graph speaks to the tenant's Graph.
func (t *lifetimeTenant) graph(progress func(string)) *lifetime.Graph {
	tokens := t.command
	if tokens == nil {
		tokens = tokensOf(signIn(t.environments[0], t.cloud.Graph+"/.default"))
	}
	return lifetime.NewGraph(t.cloud.Graph, tokens, lifetime.Options{Progress: progress})
}

// signIn signs in anew at each call, with a credential but for another scope.
func signIn(e config.Environment, scope string) func(context.Context) (*oauth2.Token, error) {
	e.Credential.Scope = scope
	var source source
	roots, err := e.Roots()
	if err == nil {
		source, err = newSource(e.Credential, roots, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		return func(context.Context) (*oauth2.Token, error) { return nil, err }
	}
	return func(ctx context.Context) (*oauth2.Token, error) { return source.Token(ctx, "") }
}

func tokensOf(signIn func(context.Context) (*oauth2.Token, error)) lifetime.Tokens {
	return func(ctx context.Context) (string, time.Duration, error) {
		token, err := signIn(ctx)
		if err != nil {
			return "", 0, err
		}
		return token.AccessToken, time.Duration(token.ExpiresIn) * time.Second, nil
	}
}

func environmentNames(environments []config.Environment) string {
	var names []string
	for _, e := range environments {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}
