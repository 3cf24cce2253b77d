package simulator

import (
	"crypto/rsa"
	"log/slog"
	"time"
)

// What a tenant accepts when [Options] does not say otherwise. All of it is
// made up; the secret opens nothing but a simulator.
const (
	DefaultTenantID      = "5d1f0c6e-8a41-4f0b-9c55-0e6f7a2b9d10"
	DefaultClientID      = "c0a8e2f4-31b7-4d56-8f2e-7b9a6d5c4e30"
	DefaultClientSecret  = "Sim8Q~this.is_not-a-real-secret"
	DefaultTokenLifetime = 3599 * time.Second
	DefaultPageSize      = 5000
	DefaultChunkSize     = 4 << 20
	DefaultKeptFile      = 1 << 20

	defaultPolicyDelay    = 10 * time.Second
	defaultRecentRequests = 256
	publicAuthority       = "https://login.microsoftonline.com"
)

// Options describes a tenant. The zero value is a working one.
type Options struct {
	// TenantID, ClientID and ClientSecret are the only ones Entra knows.
	// Empty means the Default constants.
	TenantID, ClientID, ClientSecret string

	// TokenLifetime is how long an access token is good for, exactly. The wire
	// says whole seconds, rounded down, 1 at least. Zero means DefaultTokenLifetime.
	TokenLifetime time.Duration

	// PolicyDelay is how long a token lifetime policy that was set by Graph takes to
	// act on new tokens for Dataverse. Zero means 10 s, negative no time.
	PolicyDelay time.Duration

	// PageSize is the number of rows in a page where the client names none.
	// Zero means DefaultPageSize.
	PageSize int

	// ChunkSize is the largest block of a file that is uploaded in blocks, in
	// bytes, and the size of all but the last. Zero means DefaultChunkSize.
	ChunkSize int64

	// KeptFile is the size in bytes up to which files are kept. A larger one is
	// hashed and downloads as so many zero bytes. Zero means DefaultKeptFile.
	KeptFile int64

	// Limits are the service protection limits; the zero value sets none.
	Limits Limits

	// Origin is the environment's own origin in links and token audiences, for
	// instance https://contoso.crm.dynamics.com. Empty means the scheme and Host
	// of each request.
	Origin string

	// Aliases are further origins of the same environment. A request that names
	// one of them in Host is answered with links of that one.
	Aliases []string

	// Authority is the origin that the 401 challenge points at. Empty means where
	// [Tenant.Listen] put Entra, or the public cloud's authority.
	Authority string

	// RecentRequests is how many requests are kept for [Tenant.Recent]. Zero
	// means 256, negative none.
	RecentRequests int

	// Key signs the access tokens. Nil means a fresh one for each tenant.
	Key *rsa.PrivateKey

	// Logger gets a line per request at debug level. Nil discards.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	setDefault(&o.TenantID, DefaultTenantID)
	setDefault(&o.ClientID, DefaultClientID)
	setDefault(&o.ClientSecret, DefaultClientSecret)
	setDefault(&o.TokenLifetime, DefaultTokenLifetime)
	setDefault(&o.PolicyDelay, defaultPolicyDelay)
	setDefault(&o.PageSize, DefaultPageSize)
	setDefault(&o.ChunkSize, DefaultChunkSize)
	setDefault(&o.KeptFile, DefaultKeptFile)
	setDefault(&o.RecentRequests, defaultRecentRequests)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
