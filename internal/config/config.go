// Package config declares, loads and validates every setting of dvproxy.
//
// The structs of this file are the one place where a setting is declared: its
// key, its default, the range of its value, the flag and the variable that also
// set it, and the sentence that explains it. Decoding, the printed
// configuration, the commented example, the reference page and the flags are
// all derived from the struct tags, so a new setting is one line here:
//
//	yaml      key in the file; "-" keeps a field out of it
//	default   text that is read as if it stood in the file
//	min, max  bounds of a number, duration or size
//	oneof     the accepted words, separated by commas
//	path      "file": a relative path in the file is taken from the file's folder
//	flag, env the flag and the variable of the same meaning
//	example   what the example file shows where the default is empty
//	help      what it means
//	empty     what the reference shows for a default that is empty
//
// A flag counts before a DVPROXY_* variable, that before the file, the file
// before the default. DATAVERSE_URL and AZURE_* are names that others set too
// (AKS puts AZURE_* into pods), so they only fill in what the file leaves out:
// see [Load].
package config

import "time"

// Config is the effective configuration: defaults applied, values checked and
// normalised.
type Config struct {
	Environments []Environment `yaml:"environments" help:"The Dataverse environments, each with a listener of its own, so that one local origin stands for exactly one remote origin."`
	Admin        Admin         `yaml:"admin" help:"The listener for health, metrics and status."`
	Drain        Drain         `yaml:"drain" help:"How dvproxy stops."`
	Log          Log           `yaml:"log" help:"What dvproxy writes to standard error."`

	// Warnings are doubts that do not keep dvproxy from starting.
	Warnings Problems `yaml:"-"`
}

// Environment is one Dataverse environment and the listener that stands for it.
type Environment struct {
	// URL is an origin in lower case: scheme://host, and the port if it is not the scheme's own.
	Name       string     `yaml:"name" example:"contoso" empty:"first label of the host" help:"label in logs and metrics"`
	URL        string     `yaml:"url" flag:"url" env:"DATAVERSE_URL" example:"https://contoso.crm.dynamics.com" empty:"required" help:"origin of the environment, without a path"`
	Aliases    []string   `yaml:"aliases" example:"https://contoso.api.crm.dynamics.com" empty:"the .api. twin of url" help:"other origins of the environment in links, which are mapped to dvproxy like url; [] for none"`
	Listen     string     `yaml:"listen" flag:"listen" env:"DVPROXY_LISTEN" default:"localhost:7080" help:"address that clients connect to; localhost means 127.0.0.1 and [::1] both, port 0 a free port"`
	PublicURL  string     `yaml:"public_url" empty:"the Host that a client sends" help:"origin that clients use, where it is not what reaches dvproxy in Host (a mapped port, an ingress): links in answers lead there, and its host is accepted like those of guard.allowed_hosts"`
	Credential Credential `yaml:"credential" help:"How dvproxy signs in: by a client secret of an app registration."`
	RenewAt    float64    `yaml:"renew_at" default:"0.33" min:"0.05" max:"0.9" help:"fraction of the token's life after which a renewal is tried"`
	Retry      Retry      `yaml:"retry" help:"How long a request is held, and what is kept of it to send it again."`
	Timeouts   Timeouts   `yaml:"timeouts" help:"How long the environment may take."`

	MaxConcurrent Concurrency `yaml:"max_concurrent" default:"auto" help:"most requests that are at the environment at one time, others wait in order; auto means as many as Dataverse allows: no limit until it refuses one with 0x80072326, then the one it names"`
	Affinity      string      `yaml:"affinity" default:"client" oneof:"client,spread" help:"client passes all cookies; spread drops ARRAffinity both ways, so that parallel work is spread over the environment's web servers, each of which has limits of its own"`

	Guard Guard `yaml:"guard" help:"Who may use the listener."`
}

// Credential is how dvproxy signs in to Entra, or to another OAuth server.
// Authority, Scope and TokenURL are effective: Scope is never empty.
type Credential struct {
	TenantID         string `yaml:"tenant_id" env:"AZURE_TENANT_ID" example:"00000000-0000-0000-0000-000000000000" empty:"required without token_url" help:"tenant of the app registration: its id or one of its domains"`
	ClientID         string `yaml:"client_id" env:"AZURE_CLIENT_ID" example:"11111111-1111-1111-1111-111111111111" empty:"required" help:"application (client) id of the app registration"`
	ClientSecret     Secret `yaml:"client_secret" env:"AZURE_CLIENT_SECRET" example:"value-of-the-secret" empty:"this or client_secret_file" help:"value of a client secret, not its id"`
	ClientSecretFile string `yaml:"client_secret_file" env:"AZURE_CLIENT_SECRET_FILE" path:"file" empty:"this or client_secret" help:"file that holds the client secret; read anew at every renewal, so it can be replaced while dvproxy runs"`
	Authority        string `yaml:"authority" env:"AZURE_AUTHORITY_HOST" default:"https://login.microsoftonline.com" help:"origin of the sign-in service; national clouds have their own"`
	Scope            string `yaml:"scope" empty:"url + /.default" help:"what the token is asked for"`
	TokenURL         string `yaml:"token_url" empty:"from authority and tenant_id" help:"token endpoint of another OAuth server, in place of authority and tenant_id"`
}

// TokenEndpoint is the URL that tokens are fetched from.
func (c Credential) TokenEndpoint() string {
	if c.TokenURL != "" {
		return c.TokenURL
	}
	return c.Authority + "/" + c.TenantID + "/oauth2/v2.0/token"
}

// Retry bounds what dvproxy does for a request that cannot be answered at once.
type Retry struct {
	MaxWait time.Duration `yaml:"max_wait" default:"60s" min:"0s" max:"1h" help:"longest that one request is held for a token, a 429 or a place in the queue"`
	MaxBody Size          `yaml:"max_body" default:"128MiB" min:"0" help:"largest body kept for a replay; larger ones stream and are never replayed"`
	Memory  Size          `yaml:"memory" default:"256KiB" min:"0" help:"of that, kept in memory; the rest goes to an unlinked temporary file in dir"`
	Dir     string        `yaml:"dir" path:"file" empty:"the system's temporary folder" help:"folder for those temporary files"`
}

// Timeouts bound the parts of one attempt upstream.
type Timeouts struct {
	Connect        time.Duration `yaml:"connect" default:"10s" min:"1ms" max:"5m" help:"longest wait for a connection, TLS included"`
	ResponseHeader time.Duration `yaml:"response_header" default:"10m" min:"1ms" max:"24h" help:"longest wait for the first byte of an answer"`
}

// Guard decides whose requests are taken.
type Guard struct {
	AllowedHosts              []string `yaml:"allowed_hosts" help:"names that a Host header may carry beside localhost, 127.0.0.1, [::1] and the listen host; with a port or for the listen port"`
	DangerouslyAllowAnyone    bool     `yaml:"dangerously_allow_anyone" default:"false" help:"accept that whoever reaches a listener beyond this machine acts as the application"`
	DangerouslyAllowPlaintext bool     `yaml:"dangerously_allow_plaintext" default:"false" help:"accept that records cross the network unencrypted to a listener beyond this machine"`
}

// Admin is the listener for health, metrics and status.
type Admin struct {
	Listen string `yaml:"listen" flag:"admin" env:"DVPROXY_ADMIN" default:"localhost:7081" help:"address of the admin listener; off for none"`
}

// Off reports whether there is no admin listener.
func (a Admin) Off() bool { return a.Listen == "off" }

// Drain is how dvproxy stops.
type Drain struct {
	Timeout time.Duration `yaml:"timeout" default:"25s" min:"0s" max:"1h" help:"longest wait for open requests before dvproxy exits"`
}

// Log is what dvproxy writes about its work. Format may be empty: text if
// standard error is a terminal, else json.
type Log struct {
	Level  string `yaml:"level" flag:"log-level" env:"DVPROXY_LOG_LEVEL" default:"info" oneof:"debug,info,warn,error" help:"least severity that is logged"`
	Format string `yaml:"format" flag:"log-format" env:"DVPROXY_LOG_FORMAT" oneof:"text,json" empty:"text on a terminal, else json" help:"form of the log lines"`
}
