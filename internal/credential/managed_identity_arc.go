package credential

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const keyLimit = 4096 // bytes

var basicRealm = regexp.MustCompile(`(?i)^\s*Basic\s+realm="?([^"]+?)"?\s*$`)

// key reads the file that Arc's agent names in its challenge. Who can read it
// is an administrator of the machine or in the agent's group. The file is named
// by whoever answers on a local port, so nothing is read but a key file
// directly in the agent's own folder: else any file could be asked for.
func (h *host) key(challenge string) (string, error) {
	if h.arcFolder == "" {
		return "", unusable("managed identity by Azure Arc is not there on this system", "sign in with a certificate or a secret")
	}
	m := basicRealm.FindStringSubmatch(challenge)
	if m == nil {
		return "", &Error{what: h.name + " sent a challenge that names no key file", hint: h.check}
	}
	path := filepath.Clean(m[1])
	if !sameFolder(filepath.Dir(path), h.arcFolder) || filepath.Ext(path) != ".key" {
		return "", &Error{what: h.name + " named a key file outside " + h.arcFolder + ", which is not read", hint: h.check}
	}
	data, err := readKeyFile(path)
	switch {
	case errors.Is(err, fs.ErrPermission) && runtime.GOOS == "windows":
		return "", unusable("the key of Azure Arc's agent cannot be read",
			`add the account that runs dvproxy to the agent's group and start it anew: net localgroup "Hybrid agent extension applications" ACCOUNT /add`)
	case errors.Is(err, fs.ErrPermission):
		return "", unusable("the key of Azure Arc's agent cannot be read",
			"add the account that runs dvproxy to the agent's group and start it anew: usermod -aG himds ACCOUNT")
	case err != nil:
		return "", &Error{what: "the key of Azure Arc's agent cannot be read", hint: h.check, cause: err}
	}
	key := strings.TrimSpace(string(data))
	if key == "" || len(data) > keyLimit || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return "", &Error{what: "the key of Azure Arc's agent is not one", hint: h.check}
	}
	return key, nil
}

func sameFolder(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

// readKeyFile reads a byte more than the limit at most. A link is not followed.
func readKeyFile(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keyLimit+1))
}
