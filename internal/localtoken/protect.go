package localtoken

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Refusal is a request that does not pass, for want of credentials.
type Refusal struct {
	Status     int           // of the answer
	Code       string        // what of the error code dvproxy.what
	Message    string        // what happened and what to do
	RetryAfter time.Duration // until another try has a point; 0: not told
}

// Why a request is not let pass.
var (
	errNone    = errors.New("it has no credentials")
	errMany    = errors.New("it has more than one Authorization header")
	errScheme  = errors.New("its Authorization is neither Bearer nor Basic")
	errToken   = errors.New("its token is not one of this listener's, or the client's secret has changed since")
	errExpired = errors.New("its token has expired")
	errEarly   = errors.New("its token is good only later; compare the clocks of the machines that run dvproxy")
	errSecret  = errors.New("its id or secret is wrong")
)

// tooMany is the refusal to look at a credential, after many wrong ones.
type tooMany struct{ wait time.Duration }

func (e tooMany) Error() string { return "there were too many wrong credentials before it" }

// Protect returns a handler that hands to next what [Issuer.Authenticate] lets
// pass, and asks the others for credentials. It is next itself where nobody is
// asked.
func (i *Issuer) Protect(next http.Handler) http.Handler {
	if i.keyring == nil && !i.options.Challenge {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := i.Authenticate(r); err != nil {
			i.challenge(w, r, err)
			i.options.OnRefusal(w, r, refusalOf(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Authenticate returns the id of the client that sent a request, by its local
// token, its id and secret (Basic, RFC 7617) or its secret alone (Bearer). The
// error says why there is none. Without clients the id is empty, and there is
// an error only if Options.Challenge wants credentials and there are none.
func (i *Issuer) Authenticate(r *http.Request) (client string, err error) {
	values := r.Header["Authorization"]
	if i.keyring == nil {
		if i.options.Challenge && strings.TrimSpace(r.Header.Get("Authorization")) == "" {
			return "", errNone
		}
		return "", nil
	}
	switch len(values) {
	case 0:
		return "", errNone
	case 1:
	default:
		return "", errMany
	}
	scheme, credential, _ := strings.Cut(values[0], " ")
	credential = strings.Trim(credential, " ")
	switch {
	case credential == "":
		return "", errNone
	case strings.EqualFold(scheme, "Bearer"):
		return i.bearer(r, credential)
	case strings.EqualFold(scheme, "Basic"):
		id, secret, ok := r.BasicAuth()
		if !ok {
			return "", errSecret
		}
		m, err := i.signIn(r, id, secret)
		if err != nil {
			return "", err
		}
		return m.name, nil
	}
	return "", errScheme
}

// bearer takes a local token, or the secret of a client. What looks like a JWT
// is no secret: a client that sends tokens of Entra is mistaken, not guessing.
func (i *Issuer) bearer(r *http.Request, credential string) (client string, err error) {
	if strings.HasPrefix(credential, "eyJ") && strings.Count(credential, ".") == 2 {
		return i.token(r, credential, access)
	}
	if len(credential) > maxToken {
		return "", errToken
	}
	ring := i.keyring.current()
	m := ring.owner(credential)
	if m == nil {
		ring = i.keyring.after(r.Context(), ring)
		m = ring.owner(credential)
	}
	if m, err = i.judged(m, attempt{secret: credential, remote: r.RemoteAddr}); err != nil {
		return "", err
	}
	return m.name, nil
}

func (i *Issuer) token(r *http.Request, token string, u use) (client string, err error) {
	ring := i.keyring.current()
	client, v := ring.check(token, u, time.Now())
	if v == unknown { // signed by a replica that has seen a new secret before us?
		if newer := i.keyring.after(r.Context(), ring); newer != ring {
			client, v = newer.check(token, u, time.Now())
		}
	}
	switch v {
	case good:
		return client, nil
	case expired:
		return "", errExpired
	case early:
		return "", errEarly
	default:
		return "", errToken
	}
}

// signIn checks an id and a secret, which may be spelt in more than one way.
func (i *Issuer) signIn(r *http.Request, id string, secrets ...string) (*member, error) {
	ring := i.keyring.current()
	m := ring.match(id, secrets...)
	if m == nil {
		ring = i.keyring.after(r.Context(), ring)
		m = ring.match(id, secrets...)
	}
	return i.judged(m, attempt{id: strings.ToLower(id), secret: secrets[0], remote: r.RemoteAddr})
}

// judged is the member that was found, unless there were too many guesses.
func (i *Issuer) judged(m *member, a attempt) (*member, error) {
	wait := i.limiter.judge(a, m != nil)
	switch {
	case wait > 0:
		return nil, tooMany{wait}
	case m == nil:
		return nil, errSecret
	}
	return m, nil
}

// basicChallenge lets a client that was given a password send it: many wait to
// be asked.
const basicChallenge = `Basic realm="dvproxy"`

// challenge says where to get a token, as Dataverse does. Bearer must come
// first: Microsoft's client (AuthorityResolver.cs of
// PowerPlatform-DataverseServiceClient) gives up at any other scheme before it.
// The values are bare, as Dataverse's are.
func (i *Issuer) challenge(w http.ResponseWriter, r *http.Request, err error) {
	origin := i.options.Origin(r)
	what := ""
	if !errors.Is(err, errNone) {
		what = "error=invalid_token, error_description=Error during token validation!, "
	}
	challenges := []string{fmt.Sprintf("Bearer %sauthorization_uri=%s/%s/oauth2/authorize, resource_id=%s/",
		what, origin, i.options.Tenant, origin)}
	if i.keyring != nil {
		challenges = append(challenges, basicChallenge)
	}
	w.Header()["Www-Authenticate"] = challenges
}

func refusalOf(err error) Refusal {
	const mend = " Send a token from the token endpoint that WWW-Authenticate names, or the id and secret of one of the environment's clients by Basic authentication."
	refusal := Refusal{Status: http.StatusUnauthorized, Code: "client_unauthorized"}
	refusal.Message = "This listener asks its clients who they are, and the request is not let pass: " + err.Error() + "." + mend
	var many tooMany
	if errors.As(err, &many) {
		refusal.RetryAfter = many.wait
	}
	return refusal
}
