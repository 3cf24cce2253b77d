package config

// leastKey is the least length of what is in key_file: 32 characters of base64
// or hexadecimal are 128 bits at least.
const leastKey = 32

const makeKey = "make one with: openssl rand -base64 32"

// checkKeyFile wants a key for what is kept in state_dir wherever a credential
// has no secret to derive one from.
func (l *loader) checkKeyFile() {
	const at = "key_file"
	c := &l.config
	needs := "" // an environment that needs it
	for i, e := range c.Environments {
		if way := e.Credential.Way(); needs == "" && (way == ByFederatedToken || way == ByManagedIdentity) {
			needs = element("environments", i)
		}
	}
	switch {
	case c.KeyFile == "" && (c.StateDir == "" || needs == ""):
	case c.KeyFile == "":
		l.problem(at, "missing: tokens in state_dir are encrypted, and %s signs in without a secret that a key could be derived from; name a file with one here, and %s", needs, makeKey)
	case c.StateDir == "":
		l.warn(at, "has no use without state_dir")
	case needs == "":
		l.warn(at, "has no use here: each environment has a secret of its own, which tokens in state_dir are encrypted with")
	default:
		l.checkSecretFile(c.KeyFile, at)
		l.checkKey(at)
	}
}

func (l *loader) checkKey(at string) {
	if l.broken(at) {
		return
	}
	if key, err := ReadSecretFile(l.config.KeyFile); err != nil {
		l.problem(at, "%s", err)
	} else if len(key.Reveal()) < leastKey {
		l.problem(at, "the file must hold %d characters at least, which nobody can guess; %s", leastKey, makeKey)
	}
}
