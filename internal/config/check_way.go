package config

import (
	"regexp"
	"strings"
)

// checkWay wants exactly one way to sign in, with all that belongs to it, as
// Azure's SDKs choose by what is set. Two of them are refused rather than put
// in an order that somebody would have to know.
func (l *loader) checkWay(c *Credential, path string) {
	at := func(key string) string { return path + "." + key }
	ways := []string{} // a setting of each way that is set
	if !c.ClientSecret.IsZero() || c.ClientSecretFile != "" {
		key := "client_secret"
		if c.ClientSecretFile != "" {
			key = "client_secret_file"
		}
		ways = append(ways, at(key))
	}
	if c.CertificateFile != "" {
		ways = append(ways, at("certificate_file"))
	}
	if c.FederatedTokenFile != "" {
		ways = append(ways, at("federated_token_file"))
	}
	if c.ManagedIdentity != "false" {
		ways = append(ways, at("managed_identity"))
	}
	for _, key := range []string{"client_secret", "client_secret_file", "certificate_file", "federated_token_file", "managed_identity"} {
		if l.broken(at(key)) {
			return
		}
	}
	switch {
	case len(ways) == 0:
		l.missingWay(at("client_secret"))
	case len(ways) > 1:
		var names []string
		for _, way := range ways {
			names = append(names, l.name(way))
		}
		l.problem(ways[len(ways)-1], "%s are different ways to sign in; keep one", list(names))
		return
	}
	l.checkSecret(c, at)
	l.checkCertificate(c, at)
	l.checkSecretFile(c.FederatedTokenFile, at("federated_token_file"))
}

// list joins names: a, b and c.
func list(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

var isGUID = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (l *loader) checkSecret(c *Credential, at func(string) string) {
	text, file := at("client_secret"), at("client_secret_file")
	secret := c.ClientSecret.Reveal()
	switch {
	case secret != "" && c.ClientSecretFile != "":
		l.problem(file, "%s and %s are both set; keep one", l.name(text), l.name(file))
		return
	case c.NextClientSecretFile != "" && c.Way() != BySecret:
		l.problem(at("next_client_secret_file"), "belongs to client_secret_file, which is not set")
	case secret == redacted:
		l.problem(text, "is what dvproxy config shows in place of a secret; put the secret itself")
	case isGUID.MatchString(secret):
		l.warn(text, "looks like the id of a secret; Entra wants the value, which it shows only when the secret is made")
	}
	l.checkSecretFile(c.ClientSecretFile, file)
}

func (l *loader) checkCertificate(c *Credential, at func(string) string) {
	text, file := at("certificate_password"), at("certificate_password_file")
	switch {
	case c.CertificateFile == "" && c.CertificatePasswordFile != "":
		l.problem(file, "belongs to certificate_file, which is not set")
	case c.CertificateFile == "" && !c.CertificatePassword.IsZero():
		l.problem(text, "is set, and there is no certificate: set %s", l.other(text, "certificate_file", "AZURE_CLIENT_CERTIFICATE_PATH"))
	case !c.CertificatePassword.IsZero() && c.CertificatePasswordFile != "":
		l.problem(file, "%s and %s are both set; keep one", l.name(text), l.name(file))
	case c.CertificatePassword.Reveal() == redacted:
		l.problem(text, "is what dvproxy config shows in place of a secret; put the password itself")
	}
	l.checkSecretFile(c.CertificateFile, at("certificate_file"))
	if c.CertificateFile != "" {
		l.checkSecretFile(c.CertificatePasswordFile, file)
	}
}

// other names a setting in the way in which the one at path was given.
func (l *loader) other(path, key, variable string) string {
	if l.places[path].origin != "" {
		return variable
	}
	return key
}

// checkSecretFile holds a file to the rules for secrets. No path is shown: it
// may be the secret itself, in the wrong place.
func (l *loader) checkSecretFile(path, at string) {
	if path == "" || l.broken(at) || l.src.WillBe != nil && l.src.WillBe(path) {
		return
	}
	warning, err := CheckSecretFile(path)
	if err != nil {
		l.problem(at, "%s", err)
	} else if warning != "" {
		l.warn(at, "%s", warning)
	}
}

// checkManagedIdentity wants no more than it needs.
func (l *loader) checkManagedIdentity(c *Credential, path string) {
	if c.ManagedIdentity != "true" && !isGUID.MatchString(c.ManagedIdentity) {
		l.problem(path+".managed_identity", "must be true, false or the client id of a user-assigned identity, such as 11111111-1111-1111-1111-111111111111")
	}
	if c.ClientID != "" && c.ManagedIdentity != "true" && !strings.EqualFold(c.ClientID, c.ManagedIdentity) {
		l.problem(path+".managed_identity", "and client_id name two identities; keep one")
	}
	if c.TokenURL != "" {
		l.problem(path+".token_url", "has no meaning with managed_identity, whose tokens come from the machine")
	}
}

// missingWay says how one can sign in.
func (l *loader) missingWay(at string) {
	if l.has(parent(at)) {
		l.problem(at, "missing: set one of client_secret_file, client_secret, certificate_file, federated_token_file and managed_identity")
		return
	}
	l.problem(at, "missing: set one of AZURE_CLIENT_SECRET (the value of a client secret), AZURE_CLIENT_SECRET_FILE (a file that holds it), AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE and DVPROXY_MANAGED_IDENTITY=true")
}
