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
	StateDir     string        `yaml:"state_dir" path:"file" empty:"none" help:"folder of dvproxy's own for what outlives a restart; made if it is not there"`
	KeyFile      string        `yaml:"key_file" path:"file" empty:"the credential's own secret" help:"file with a secret of 32 characters at least that tokens in state_dir are encrypted with, where dvproxy signs in by federated token or managed identity and so has no secret of its own; read anew at each use"`
	Log          Log           `yaml:"log" help:"What dvproxy writes about its work, and where."`

	// Warnings are doubts that do not keep dvproxy from starting.
	Warnings Problems `yaml:"-"`
}

// Environment is one Dataverse environment and the listener that stands for it.
type Environment struct {
	// URL is an origin in lower case: scheme://host, and the port if it is not the scheme's own.
	Name          string      `yaml:"name" example:"contoso" empty:"first label of the host" help:"label in logs and metrics"`
	URL           string      `yaml:"url" flag:"url" env:"DATAVERSE_URL" example:"https://contoso.crm.dynamics.com" empty:"required" help:"origin of the environment, without a path"`
	Aliases       []string    `yaml:"aliases" example:"https://contoso.api.crm.dynamics.com" empty:"the .api. twin of url" help:"other origins of the environment in links, which are mapped to dvproxy like url; [] for none"`
	Listen        string      `yaml:"listen" flag:"listen" env:"DVPROXY_LISTEN" default:"localhost:7080" help:"address that clients connect to: host:port, where localhost means 127.0.0.1 and [::1] both and port 0 a free port; or unix: and the absolute path of a Unix socket"`
	SocketMode    Mode        `yaml:"socket_mode" default:"0600" min:"0200" help:"permissions of the Unix socket: who may write may connect; not on Windows, where the folder's permissions count"`
	SocketGroup   string      `yaml:"socket_group" empty:"the group of dvproxy's account" help:"group of the Unix socket, by name or number, for a socket_mode such as 0660; not on Windows"`
	PublicURL     string      `yaml:"public_url" empty:"the Host that a client sends" help:"origin that clients use, where it is not what reaches dvproxy in Host (a mapped port, an ingress): links in answers lead there, and its host is accepted like those of guard.allowed_hosts"`
	TLS           TLS         `yaml:"tls" help:"HTTPS for clients: with the certificate in two files, or with one that a local CA of dvproxy's own signs."`
	CAFile        string      `yaml:"ca_file" path:"file" empty:"the system's roots alone" help:"PEM file with root certificates that the environment and the sign-in service may have beside the system's; read at start and when the configuration is reloaded"`
	Credential    Credential  `yaml:"credential" help:"How dvproxy signs in: by exactly one of client secret, certificate, federated token and managed identity."`
	RenewAt       float64     `yaml:"renew_at" default:"0.33" min:"0.05" max:"0.9" help:"fraction of the token's life after which a renewal is tried"`
	Retry         Retry       `yaml:"retry" help:"How long a request is held, and what is kept of it to send it again."`
	Timeouts      Timeouts    `yaml:"timeouts" help:"How long the environment may take."`
	MaxConcurrent Concurrency `yaml:"max_concurrent" default:"auto" help:"most requests that are at the environment at one time, others wait in order; auto means as many as Dataverse allows: no limit until it refuses one with 0x80072326, then the one it names"`
	Affinity      string      `yaml:"affinity" default:"client" oneof:"client,spread" help:"client passes all cookies; spread drops ARRAffinity both ways, so that parallel work is spread over the environment's web servers, each of which has limits of its own"`
	Guard         Guard       `yaml:"guard" help:"Whose requests are taken."`

	Clients            []Client      `yaml:"clients" help:"Who may use the listener: each by a local token, by Basic with id and secret, or by the secret as Bearer. Absent: every account that reaches the listener."`
	LocalTokenLifetime time.Duration `yaml:"local_token_lifetime" default:"720h" min:"1m" max:"87600h" help:"life of the tokens that dvproxy gives to clients which insist on fetching one"`
	Challenge          bool          `yaml:"challenge" default:"false" help:"answer a request without credentials with Dataverse's 401 challenge, which points at dvproxy's own token endpoint, without clients too: SDK clients ask once without a token and want to be told where to get one"`
}

// TLS is how a listener speaks HTTPS. The zero value is plain HTTP.
type TLS struct {
	CertFile   string `yaml:"cert_file" path:"file" empty:"plain HTTP" help:"PEM file with the certificate and its chain; read anew when it changes"`
	KeyFile    string `yaml:"key_file" path:"file" empty:"plain HTTP" help:"PEM file with the certificate's private key; read anew when it changes"`
	SelfSigned bool   `yaml:"self_signed" default:"false" help:"make certificates that are signed by a local CA, which is made once in state_dir for clients to trust"`
}

// On reports whether the listener speaks HTTPS.
func (t TLS) On() bool { return t.CertFile != "" || t.KeyFile != "" || t.SelfSigned }

// Client is a program that may use a listener.
type Client struct {
	ID         string `yaml:"id" example:"nightly-import" empty:"required" help:"name of the client, without regard to case; its token request gives it as client_id or username"`
	SecretFile string `yaml:"secret_file" path:"file" example:"/run/secrets/nightly" empty:"required" help:"file that holds its secret of 16 characters at least, read anew about once a second; changing the secret ends the client's tokens"`
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
	ReadOnly                  bool     `yaml:"read_only" default:"false" help:"pass GET, HEAD and OPTIONS on and refuse all else: other methods, $batch, headers that override the method, bodies"`
	Impersonation             string   `yaml:"impersonation" default:"allow" oneof:"allow,deny" help:"deny: refuse a request that names the user to act as, by MSCRMCallerID or CallerObjectId, in a batch or in a SOAP envelope too"`
	DangerouslyAllowAnyone    bool     `yaml:"dangerously_allow_anyone" default:"false" help:"accept that whoever reaches a listener beyond this machine acts as the application"`
	DangerouslyAllowPlaintext bool     `yaml:"dangerously_allow_plaintext" default:"false" help:"accept that records cross the network unencrypted to a listener beyond this machine"`
}

// Admin is the listener for health, metrics and status.
type Admin struct {
	Listen string `yaml:"listen" flag:"admin" env:"DVPROXY_ADMIN" default:"localhost:7081" help:"address of the admin listener; off for none"`
	Quit   bool   `yaml:"quit" env:"DVPROXY_ADMIN_QUIT" default:"false" help:"let every account of this machine that reaches the admin listener end dvproxy, by dvproxy quit or POST /quitquitquit"`
}

// Off reports whether there is no admin listener.
func (a Admin) Off() bool { return a.Listen == "off" }

// Drain is how dvproxy stops.
type Drain struct {
	Delay         time.Duration `yaml:"delay" default:"0s" min:"0s" max:"1h" help:"how long dvproxy serves on as before when it is told to stop, with /readyz at 503: for a job that ends a little later, or a load balancer that has to notice"`
	Timeout       time.Duration `yaml:"timeout" default:"25s" min:"0s" max:"1h" help:"longest wait for open requests before dvproxy exits"`
	ExitAfterIdle time.Duration `yaml:"exit_after_idle" flag:"exit-after-idle" env:"DVPROXY_EXIT_AFTER_IDLE" default:"0s" min:"0s" max:"168h" help:"stop once no request for Dataverse was in flight for this long, which begins to count when the first one has ended; 0s for never"`
}

// Log is what dvproxy writes about its work. Format may be empty: text if
// standard error is a terminal, else json.
type Log struct {
	Level  string `yaml:"level" flag:"log-level" env:"DVPROXY_LOG_LEVEL" default:"info" oneof:"debug,info,warn,error" help:"least severity that is logged"`
	Format string `yaml:"format" flag:"log-format" env:"DVPROXY_LOG_FORMAT" oneof:"text,json" empty:"text on a terminal, else json" help:"form of the log lines"`
	File   string `yaml:"file" path:"file" empty:"standard error" help:"file to log to, in a folder that is there; at 10 MiB it becomes FILE.1, and of older ones FILE.2 to FILE.5 are kept"`
}
