package localtoken

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxForm is far over what a token request needs, in bytes.
const maxForm = 64 << 10

// readForm reads the parameters of a token request, whatever type the request
// says it has. Where Go's own parser drops a parameter (a bare % or ; in a
// secret that was not encoded), it is taken as it stands, as Entra does. Of
// several with one name the first counts.
func readForm(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge()
	case err != nil:
		return nil, errParameter("body", "could not be read to its end")
	}
	form := map[string]string{}
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(strings.Trim(pair, "\r\n"), "=")
		name = unescaped(name)
		if _, twice := form[name]; !twice {
			form[name] = unescaped(value)
		}
	}
	return form, nil
}

func unescaped(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// presented are the id and the secret in a token request. The secret may be
// spelt in two ways: RFC 6749 2.3.1 wants both halves of Basic form-encoded,
// and not every client does that.
type presented struct {
	id      string
	secrets []string // empty if there is none
	basic   bool
}

// credentialsOf finds them: by Basic, in client_id and client_secret, or, where
// a password grant has no client secret, in username and password.
func credentialsOf(r *http.Request, form map[string]string) presented {
	if id, secret, ok := r.BasicAuth(); ok && secret != "" {
		p := presented{id: unescaped(id), secrets: []string{secret}, basic: true}
		if decoded := unescaped(secret); decoded != secret {
			p.secrets = append(p.secrets, decoded)
		}
		return p
	}
	p := presented{id: form["client_id"]}
	switch {
	case form["client_secret"] != "":
		p.secrets = []string{form["client_secret"]}
	case form["grant_type"] == "password":
		p.id = form["username"]
		p.secrets = []string{form["password"]}
	}
	return p
}

// resourceOf is what the token is asked for: resource, or the first scope that
// names one. Entra takes all before the last slash of a scope. It is empty if
// there is none. It decides nothing: a local token is good for one environment,
// whatever that is called by the client.
func resourceOf(form map[string]string) string {
	if resource := form["resource"]; resource != "" {
		return resource
	}
	for scope := range strings.FieldsSeq(form["scope"]) {
		if slash := strings.LastIndexByte(scope, '/'); slash > 0 {
			return scope[:slash]
		}
	}
	return ""
}
