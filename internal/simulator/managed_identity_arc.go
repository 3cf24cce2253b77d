package simulator

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// arcKeys are the key files that Arc's agent has named and nobody has used.
type arcKeys struct {
	folder string

	mu   sync.Mutex        // guards path
	path map[string]string // by the key in it
}

// Arc answers as the agent of Azure Arc does, at /metadata/identity/oauth2/token:
// with a challenge that names a fresh key file in the folder, and with a token
// to who sends what is in it. Like agents of old it does not look at client_id.
// Source: Authenticate against Azure resources with Azure Arc-enabled servers.
func (t *Tenant) Arc(folder string) http.Handler {
	m, keys := t.newMachine(), &arcKeys{folder: folder, path: map[string]string{}}
	return t.observe(serviceEntra, func(w http.ResponseWriter, r *http.Request) {
		key, isBasic := strings.CutPrefix(r.Header.Get("Authorization"), "Basic ")
		switch {
		case r.URL.Path != "/metadata/identity/oauth2/token":
			writeEmpty(w, http.StatusNotFound)
		case m.strikes(w, r):
		case r.Header.Get("Metadata") != "true":
			m.refuse(w, "bad_request_102", "Required metadata header not specified")
		case r.URL.Query().Get("api-version") != "2020-06-01":
			m.refuse(w, "bad_request", "api-version was not specified in the request")
		case isBasic && keys.use(key):
			m.give(w, r, "")
		default:
			path, err := keys.make()
			if err != nil {
				writeEmpty(w, http.StatusInternalServerError)
				return
			}
			w.Header()["WWW-Authenticate"] = []string{"Basic realm=" + path}
			writeEmpty(w, http.StatusUnauthorized)
		}
	})
}

func (k *arcKeys) make() (path string, err error) {
	key := rand.Text()
	path = filepath.Join(k.folder, newGUID()+".key")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.path[key] = path
	return path, nil
}

// use says whether the key is a good one, which it is once.
func (k *arcKeys) use(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	path, ok := k.path[key]
	if ok {
		delete(k.path, key)
		os.Remove(path)
	}
	return ok
}
