package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// claims are what is looked at of a token.
type claims struct {
	Audience audience `json:"aud"`
	Tenant   string   `json:"tid"`
	AppID    string   `json:"appid"`
	Azp      string   `json:"azp"` // the same, in version 2
	Roles    []string `json:"roles"`
}

// An audience is one text or a list of them. RFC 7519 4.1.3.
type audience []string

// UnmarshalJSON takes either form.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// readClaims reads a JWT without believing it: the environment judges it. A
// token of another kind has none.
func readClaims(token string) (c claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(payload, &c) == nil
}

// signIn fetches a token, and looks at what it is for.
func (r *run) signIn(ctx context.Context) (token string) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	token, lifetime, err := r.environment.SignIn(ctx)
	if err != nil {
		var e interface {
			What() string
			Mend() string
		}
		if errors.As(err, &e) {
			r.fail("sign-in", e.What(), e.Mend())
		} else {
			r.fail("sign-in", err.Error(), "look at credential in the configuration")
		}
		return ""
	}
	detail := fmt.Sprintf("a token that lives %v", lifetime.Round(time.Second))
	c, ok := readClaims(token)
	if !ok {
		r.pass("sign-in", detail+", not a JWT")
		return token
	}
	app := c.AppID
	if app == "" {
		app = c.Azp
	}
	if app != "" {
		detail += ", application " + app
	}
	if c.Tenant != "" {
		detail += ", tenant " + c.Tenant
	}
	if len(c.Roles) > 0 {
		detail += ", roles " + strings.Join(c.Roles, " ")
	}
	r.pass("sign-in", detail)
	r.audience(c.Audience)
	return token
}

// audience compares what a token is for with the environment.
func (r *run) audience(got audience) {
	want := append([]string{r.environment.URL.String()}, r.environment.Aliases...)
	for _, a := range got {
		if slices.Contains(want, strings.TrimRight(a, "/")) {
			r.pass("audience", a)
			return
		}
	}
	if len(got) == 0 {
		r.warn("audience", "the token does not say what it is for", "")
		return
	}
	r.warn("audience", "the token is for "+strings.Join(got, " ")+", and the environment is "+want[0],
		"set scope to "+want[0]+"/.default, or leave it out")
}
