package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// ManagedIdentityOptions are the optional settings of a [ManagedIdentity].
type ManagedIdentityOptions struct {
	// ClientID is that of a user-assigned identity. Default: the machine's own,
	// system-assigned one.
	ClientID string
	// Getenv reads the variables by which a host makes itself known. Default:
	// [os.Getenv].
	Getenv func(name string) string
	// ArcFolder is where Azure Arc's agent writes its keys, and no other place
	// is read. Default: that of the agent.
	ArcFolder string
}

// ManagedIdentity signs in as the machine it runs on: a virtual machine (IMDS),
// App Service or Functions, or a server that Azure Arc looks after. The host
// keeps tokens itself, for most of their life, so a fetch may bring the token
// that it brought before; and it knows nothing of claims challenges. No request
// goes through an HTTP proxy, whatever the environment says.
type ManagedIdentity struct {
	host     host
	clientID string
	resource string
	client   *http.Client
}

// NewManagedIdentity returns a source for the host that the environment names.
// Scope is as for [NewClientSecret]. The error says which variables name a host
// that is not supported.
func NewManagedIdentity(scope string, o ManagedIdentityOptions) (*ManagedIdentity, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.ArcFolder == "" {
		o.ArcFolder = arcFolder(runtime.GOOS, o.Getenv)
	}
	h, err := hostOf(o.Getenv, runsArc(runtime.GOOS, o.Getenv))
	if err != nil {
		return nil, err
	}
	h.arcFolder = o.ArcFolder
	transport := NewTransport(nil)
	transport.Proxy = nil
	return &ManagedIdentity{host: h, clientID: o.ClientID, resource: resourceOf(scope), client: newClient(transport)}, nil
}

// Host says which host the tokens come from, such as "Azure Arc".
func (s *ManagedIdentity) Host() string { return s.host.name }

// Changed is always false: there is nothing to change on this side.
func (s *ManagedIdentity) Changed() bool { return false }

// Token fetches a token, as [ClientSecret.Token] does, but for claims, which
// have no effect. It tries again while the host says that it is busy or being
// updated, for as long as ctx allows. The error is an [*Error].
func (s *ManagedIdentity) Token(ctx context.Context, _ string) (*oauth2.Token, error) {
	for try := 0; ; try++ {
		token, err := s.fetch(ctx)
		if err == nil {
			return token, nil
		}
		wait, ok := s.host.wait(err, try)
		if deadline, limited := ctx.Deadline(); !ok || limited && time.Until(deadline) < wait {
			return nil, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// fetch asks the host once.
func (s *ManagedIdentity) fetch(ctx context.Context) (*oauth2.Token, error) {
	sent := time.Now()
	got, err := s.ask(ctx, "")
	if err == nil && s.host.challenges && got.status == http.StatusUnauthorized {
		var key string
		if key, err = s.host.key(got.header.Get("WWW-Authenticate")); err == nil {
			got, err = s.ask(ctx, key)
		}
	}
	if err != nil {
		return nil, s.host.failure(ctx, err)
	}
	var answer identityAnswer
	malformed := json.Unmarshal(got.body, &answer)
	if got.status != http.StatusOK {
		return nil, s.host.refusal(got, answer, s.clientID)
	}
	if malformed != nil || answer.AccessToken == "" {
		return nil, &Error{what: s.host.name + " answered with something that is not a token", hint: s.host.check}
	}
	if s.host.mustConfirm && s.clientID != "" && !answer.isFor(s.clientID) {
		return nil, unusable(s.host.name+" answered with a token of another identity than the one asked for",
			"update the agent (azcmagent version), or leave the client id out for the machine's own identity")
	}
	return checked(answer.token(sent), sent, s.host.name, s.host.check)
}

// A reply is a host's answer, whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request, with the key that a challenge asked for, or none.
func (s *ManagedIdentity) ask(ctx context.Context, key string) (reply, error) {
	query := url.Values{"api-version": {s.host.version}, "resource": {s.resource}}
	if s.clientID != "" {
		query.Set("client_id", s.clientID)
	}
	address := s.host.endpoint
	if strings.Contains(address, "?") {
		address += "&"
	} else {
		address += "?"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+query.Encode(), nil)
	if err != nil {
		return reply{}, errEndpoint
	}
	r.Header.Set(s.host.header, s.host.value)
	if key != "" {
		r.Header.Set("Authorization", "Basic "+key)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // capped
	return reply{resp.StatusCode, resp.Header, body}, err
}

var errEndpoint = errors.New("the endpoint is not a URL")

// failure is the error where there was no answer.
func (h *host) failure(ctx context.Context, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, errEndpoint):
		return unusable("IDENTITY_ENDPOINT is not a URL", h.check)
	case errors.Is(err, errRedirected):
		return &Error{what: h.name + " answers with a redirect, which is not followed", hint: h.check, cause: err}
	case errors.Is(err, errTooLarge):
		return &Error{what: fmt.Sprintf("%s's answer is over %d KiB", h.name, answerLimit>>10), hint: h.check, cause: err}
	case ctx.Err() != nil || isTimeout(err):
		return &Error{what: h.name + " did not answer in time", hint: h.check, cause: err}
	}
	return &Error{what: "no connection to " + h.name, hint: h.check, cause: err}
}
