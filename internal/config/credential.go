package config

import "strings"

// Credential is how dvproxy signs in to Entra, or to another OAuth server.
// Authority, Scope and TokenURL are effective: Scope is never empty.
type Credential struct {
	TenantID                string `yaml:"tenant_id" env:"AZURE_TENANT_ID" example:"00000000-0000-0000-0000-000000000000" empty:"required without token_url or managed_identity" help:"tenant of the app registration: its id or one of its domains"`
	ClientID                string `yaml:"client_id" env:"AZURE_CLIENT_ID" example:"11111111-1111-1111-1111-111111111111" empty:"required without managed_identity" help:"application (client) id of the app registration"`
	ClientSecret            Secret `yaml:"client_secret" env:"AZURE_CLIENT_SECRET" example:"value-of-the-secret" empty:"this or another way to sign in" help:"value of a client secret, not its id"`
	ClientSecretFile        string `yaml:"client_secret_file" env:"AZURE_CLIENT_SECRET_FILE" path:"file" empty:"none" help:"file that holds the client secret; read anew at every renewal, so it can be replaced while dvproxy runs"`
	NextClientSecretFile    string `yaml:"next_client_secret_file" path:"file" empty:"none" help:"while secrets are rotated, file of the secret that is to follow: tried when the current one is refused; it need not be there yet"`
	CertificateFile         string `yaml:"certificate_file" env:"AZURE_CLIENT_CERTIFICATE_PATH" path:"file" empty:"none" help:"certificate with its RSA private key, PEM or PFX (PKCS #12); read anew at every renewal"`
	CertificatePassword     Secret `yaml:"certificate_password" env:"AZURE_CLIENT_CERTIFICATE_PASSWORD" empty:"none" help:"password of a PFX file"`
	CertificatePasswordFile string `yaml:"certificate_password_file" path:"file" empty:"none" help:"file that holds the password of a PFX file"`
	SendCertificateChain    bool   `yaml:"send_certificate_chain" env:"AZURE_CLIENT_SEND_CERTIFICATE_CHAIN" default:"false" help:"send the chain of the certificate along (x5c), for applications that trust an issuer and subject"`
	CertificateAlgorithm    string `yaml:"certificate_algorithm" default:"ps256" oneof:"ps256,rs256" help:"how the client assertion is signed; AD FS wants rs256"`
	FederatedTokenFile      string `yaml:"federated_token_file" env:"AZURE_FEDERATED_TOKEN_FILE" path:"file" empty:"none" help:"workload identity: file with a token of an issuer that the application trusts, such as a Kubernetes cluster; read anew for every request"`
	ManagedIdentity         string `yaml:"managed_identity" env:"DVPROXY_MANAGED_IDENTITY" default:"false" help:"sign in as the Azure machine, App Service or Azure Arc server that dvproxy runs on: true, or the client id of a user-assigned identity"`
	Authority               string `yaml:"authority" env:"AZURE_AUTHORITY_HOST" default:"https://login.microsoftonline.com" help:"origin of the sign-in service; where it is not given, that of the cloud of url"`
	Scope                   string `yaml:"scope" empty:"url + /.default" help:"what the token is asked for"`
	TokenURL                string `yaml:"token_url" empty:"from authority and tenant_id" help:"token endpoint of another OAuth server, in place of authority and tenant_id; one that ends in /oauth2/token is asked as Entra's version 1, with resource in place of scope"`
}

// A Way is one of the ways to sign in.
type Way int

// The ways to sign in.
const (
	BySecret Way = iota
	ByCertificate
	ByFederatedToken
	ByManagedIdentity
)

// Way is the way that the settings describe.
func (c Credential) Way() Way {
	switch {
	case c.CertificateFile != "":
		return ByCertificate
	case c.FederatedTokenFile != "":
		return ByFederatedToken
	case c.ManagedIdentity != "" && c.ManagedIdentity != "false":
		return ByManagedIdentity
	}
	return BySecret
}

// ManagedIdentityClient is the client id of a user-assigned identity; empty for
// the machine's own. As with Azure's SDKs client_id counts where
// managed_identity names none.
func (c Credential) ManagedIdentityClient() string {
	if c.ManagedIdentity == "true" {
		return c.ClientID
	}
	return c.ManagedIdentity
}

// TokenEndpoint is the URL that tokens are fetched from.
func (c Credential) TokenEndpoint() string {
	if c.TokenURL != "" {
		return c.TokenURL
	}
	return c.Authority + "/" + c.TenantID + "/oauth2/v2.0/token"
}

// V1 reports whether the token endpoint is one of Entra's version 1, or of AD
// FS, which want a resource and know no scope.
func (c Credential) V1() bool {
	return strings.HasSuffix(strings.TrimRight(c.TokenURL, "/"), "/oauth2/token")
}
