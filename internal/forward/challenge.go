package forward

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A challenge is what an answer of upstream's says about our token.
type challenge struct {
	refused bool   // the token was not accepted, so the request was not executed
	claims  string // JSON of a claims challenge; empty if there is none
	html    bool   // it was told by a page of HTML, which may mean something else
}

// challengeOf reads an answer. Only a 401 with a Bearer challenge, a redirect
// to a place where people sign in, and HTML from the SOAP endpoint are about
// the token; any other 401 is the application's own answer, since plug-ins may
// give one after having run.
func challengeOf(resp *http.Response, path string, signInHosts []string) challenge {
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return bearerChallenge(resp.Header.Values("WWW-Authenticate"))
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location, err := url.Parse(resp.Header.Get("Location"))
		return challenge{refused: err == nil && slices.Contains(signInHosts, signInHost(location))}
	case http.StatusOK:
		if isSOAP(path) {
			kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			html := kind == "text/html"
			return challenge{refused: html, html: html}
		}
	}
	return challenge{}
}

// signInHost is a URL's host as a list of sign-in hosts has it: in lower case,
// with a port only if it is not that of https.
func signInHost(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}

const soapPath = "/XRMServices/"

func isSOAP(path string) bool {
	return len(path) >= len(soapPath) && strings.EqualFold(path[:len(soapPath)], soapPath)
}

// Challenges come quoted and unquoted, with blanks inside unquoted values and
// several to a line, so the grammar of RFC 9110 11.6.1 does not hold.
var (
	bearerScheme       = regexp.MustCompile(`(?i)(^|,)\s*Bearer(\s|,|$)`)
	insufficientClaims = regexp.MustCompile(`(?i)\berror\s*=\s*"?insufficient_claims\b`)
	claimsParameter    = regexp.MustCompile(`(?i)[\s,]claims\s*=\s*"?([A-Za-z0-9+/_=-]+)`)
)

func bearerChallenge(values []string) challenge {
	for _, v := range values {
		if !bearerScheme.MatchString(v) {
			continue
		}
		c := challenge{refused: true}
		if m := claimsParameter.FindStringSubmatch(v); m != nil && insufficientClaims.MatchString(v) {
			c.claims = decodeClaims(m[1])
		}
		return c
	}
	return challenge{}
}

// decodeClaims reads base64 of either alphabet, padded or not. It returns
// nothing for what is not a JSON object.
func decodeClaims(s string) string {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(decoded) == 0 || decoded[0] != '{' || !json.Valid(decoded) {
		return ""
	}
	return string(decoded)
}

// signInHosts are where Entra's sign-in pages are, in every cloud.
var signInHosts = []string{
	"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net", "login.live.com",
	"login.microsoftonline.us", "login.usgovcloudapi.net",
	"login.partner.microsoftonline.cn", "login.chinacloudapi.cn",
}
