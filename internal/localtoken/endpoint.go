package localtoken

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A request is a token request as it was read.
type request struct {
	version  version
	grant    string // type
	tenant   string
	resource string
	scope    string
	user     string // name; empty if the token is a program's own
	refresh  string // token
	info     bool   // client_info is wanted
	presented
}

// tokenEndpoint serves POST /{tenant}/oauth2/token and its version 2.
func (i *Issuer) tokenEndpoint(v version) http.Handler {
	return i.handler(func(w http.ResponseWriter, r *http.Request) (any, error) {
		remote := slog.String("remote", r.RemoteAddr)
		q, err := i.readRequest(w, r, v)
		var h holder
		if err == nil {
			h, err = i.grant(r, q)
		}
		if err != nil {
			var refusal entraError
			if errors.As(err, &refusal) && refusal.status == http.StatusUnauthorized && q.basic {
				w.Header()["Www-Authenticate"] = []string{basicChallenge}
			}
			i.log.LogAttrs(r.Context(), slog.LevelWarn, "local token refused", slog.Int("aadsts", refusal.code), remote)
			return nil, err
		}
		attrs := []slog.Attr{remote}
		if i.keyring != nil { // else what a client sends is not known to be an id
			attrs = append(attrs, slog.String("client", h.client))
		}
		i.log.LogAttrs(r.Context(), slog.LevelInfo, "local token issued", attrs...)
		return answer(q, i.issue(q, h, i.options.Origin(r), time.Now())), nil
	})
}

// readRequest reads a token request and refuses what is none.
func (i *Issuer) readRequest(w http.ResponseWriter, r *http.Request, v version) (request, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return request{}, errMethod(r.Method)
	}
	tenant := tenantOf(r)
	if !isTenant(tenant) {
		return request{}, errTenant(tenant)
	}
	form, err := readForm(w, r)
	if err != nil {
		return request{}, err
	}
	q := request{
		version: v, tenant: tenant, grant: form["grant_type"],
		resource: resourceOf(form), scope: form["scope"],
		refresh: form["refresh_token"], info: form["client_info"] == "1",
		presented: credentialsOf(r, form),
	}
	if q.grant == "password" {
		q.user = form["username"]
	}
	if q.resource == "" {
		q.resource = i.options.Origin(r) + "/"
	}
	for name, value := range map[string]string{"resource": q.resource, "scope": q.scope, "username": q.user, "client_id": q.id} {
		if len(value) > maxClaim {
			return request{}, errParameter(name, "is too long")
		}
	}
	return q, nil
}

// A holder is whom a token is issued to.
type holder struct {
	client string
	user   string
	keys   secretKeys
}

// grant decides who gets a token for a request.
func (i *Issuer) grant(r *http.Request, q request) (holder, error) {
	switch q.grant {
	case "client_credentials", "password":
		if q.id == "" {
			return holder{}, errMissing("client_id")
		}
		return i.bySecret(r, q)
	case "refresh_token":
		return i.byRefreshToken(r, q)
	case "":
		return holder{}, errMissing("grant_type")
	}
	return holder{}, errGrant(q.grant)
}

func (i *Issuer) bySecret(r *http.Request, q request) (holder, error) {
	if i.keyring == nil {
		return i.anybody(q.id, q.user), nil
	}
	if len(q.secrets) == 0 {
		return holder{}, errNoSecret()
	}
	m, err := i.signIn(r, q.id, q.secrets...)
	var many tooMany
	switch {
	case errors.As(err, &many):
		return holder{}, errTooMany(many.wait)
	case err != nil:
		return holder{}, errClient(q.id)
	}
	return holder{client: m.name, user: q.user, keys: m.secrets[0]}, nil
}

// byRefreshToken asks for no secret: the refresh token is signed with a key
// that is made from it.
func (i *Issuer) byRefreshToken(r *http.Request, q request) (holder, error) {
	if q.refresh == "" {
		return holder{}, errMissing("refresh_token")
	}
	user := payloadOf(q.refresh).UserName
	if len(user) > maxClaim {
		user = ""
	}
	if i.keyring == nil {
		return i.anybody(q.id, user), nil
	}
	client, err := i.token(r, q.refresh, refresh)
	if err != nil {
		return holder{}, errRefreshToken()
	}
	for _, m := range i.keyring.current().members {
		if m.name == client && len(m.secrets) > 0 {
			return holder{client: m.name, user: user, keys: m.secrets[0]}, nil
		}
	}
	return holder{}, errRefreshToken()
}

// anybody is who asks for a token where there are no clients. The keys are made
// from nothing secret, since nobody will ever check them, and a token must not
// be of help in guessing the password that it was asked for with.
func (i *Issuer) anybody(id, user string) holder {
	return holder{client: id, user: user, keys: secretKeys{
		access: newKey(i.environment, id, "", access), refresh: newKey(i.environment, id, "", refresh),
	}}
}

// wantsRefresh says whether the answer is to hold a refresh token. Entra gives
// none to a program; to a user's, with version 1 always.
func (q request) wantsRefresh() bool {
	switch q.grant {
	case "password":
		return q.version == version1 || slices.Contains(strings.Fields(q.scope), "offline_access")
	default:
		return q.grant == "refresh_token"
	}
}
