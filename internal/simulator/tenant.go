package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Tenant is one Entra tenant with one registered application and one Dataverse
// environment. Its handlers and methods may be used by many goroutines.
type Tenant struct {
	opts     Options
	signer   *signer
	objectID string // of the application's service principal
	userID   string // of its application user
	orgID    string
	unitID   string // business unit

	tokens     *tokenTable
	rows       *store
	pages      *pageTable
	uploads    *uploadTable
	operations *operationTable
	protection *protection
	stats      *statistics
	recent     *recentRequests
	entraFault *faultList
	dataFault  *faultList
	graphFault *faultList
	graph      *directory
	trust      *trust

	mu        sync.Mutex // guards what follows
	lifetime  time.Duration
	secrets   []string
	learned   []string // origins where Listen put the environment
	authority string
	appUser   bool

	graphOrigin string // where Listen put Graph
}

// New returns a tenant. Nothing listens yet: mount [Tenant.Entra],
// [Tenant.Dataverse] and [Tenant.Control], or call [Tenant.Listen].
func New(opts Options) *Tenant {
	opts = opts.withDefaults()
	key := opts.Key
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(fmt.Sprintf("simulator: generate the signing key: %v", err)) // no entropy: nothing can run
		}
	}
	authority := opts.Authority
	setDefault(&authority, publicAuthority)
	objectID := newGUID()
	return &Tenant{
		opts: opts, signer: newSigner(key),
		objectID: objectID, userID: newGUID(), orgID: newGUID(), unitID: newGUID(),
		tokens: newTokenTable(), rows: newStore(), pages: newPageTable(),
		uploads: &uploadTable{sessions: map[string]*upload{}}, operations: &operationTable{outputs: map[string][]attribute{}},
		protection: newProtection(opts.Limits), stats: newStatistics(),
		recent:     newRecentRequests(opts.RecentRequests),
		entraFault: &faultList{}, dataFault: &faultList{}, trust: &trust{},
		graphFault: &faultList{}, graph: newDirectory(opts.ClientID, objectID),
		lifetime: opts.TokenLifetime, secrets: []string{opts.ClientSecret},
		authority: authority, appUser: true,
	}
}

// Entra answers as login.microsoftonline.com does.
func (t *Tenant) Entra() http.Handler { return t.observe(serviceEntra, t.serveEntra) }

// Dataverse answers as the environment does.
func (t *Tenant) Dataverse() http.Handler { return t.observe(serviceDataverse, t.serveDataverse) }

// TenantID is the directory's id, which stands in the token endpoint's path.
func (t *Tenant) TenantID() string { return t.opts.TenantID }

// ClientID is the application's id.
func (t *Tenant) ClientID() string { return t.opts.ClientID }

// ClientSecret is the first secret that is accepted now, empty if none is.
func (t *Tenant) ClientSecret() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.secrets) == 0 {
		return ""
	}
	return t.secrets[0]
}

// SetTokenLifetime sets how long tokens issued from now on are good for.
func (t *Tenant) SetTokenLifetime(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lifetime = d
}

// SetSecrets replaces the set of client secrets that Entra accepts. Tokens
// already issued stay good, as they do in Entra.
func (t *Tenant) SetSecrets(accepted ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets = slices.Clone(accepted)
}

// SetApplicationUser adds the application to the environment's users or
// removes it; without it every request is a 403.
func (t *Tenant) SetApplicationUser(present bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.appUser = present
}

// SetLimits replaces the service protection limits and forgets what was
// counted.
func (t *Tenant) SetLimits(l Limits) { t.protection.reset(l) }

// RevokeTokens makes Dataverse refuse every token issued so far. It returns
// how many were still good.
func (t *Tenant) RevokeTokens() int { return t.tokens.revokeAll(time.Now()) }

// ClearRows empties the environment.
func (t *Tenant) ClearRows() { t.rows.clear() }

func (t *Tenant) hasApplicationUser() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.appUser
}

func (t *Tenant) authorityOrigin() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.authority
}
