package config

import "strings"

// shortestSecret of a client, in bytes. Whoever holds a local token can guess
// at the secret it is signed with for as long as he likes.
const shortestSecret = 16

// checkClients wants a name of its own and a secret for each. An empty list is
// refused: it could mean nobody as well as everybody.
func (l *loader) checkClients(clients []Client, path string) {
	if len(clients) == 0 {
		if l.has(path) {
			l.problem(path, "is empty: name the clients that may use the listener, or leave it out to let in every account that reaches it")
		}
		return
	}
	seen := map[string]string{}
	for i, c := range clients {
		at := element(path, i)
		id := strings.ToLower(c.ID)
		switch {
		case id == "":
			l.problem(at+".id", "missing: a name for the client, for example nightly-import")
		case strings.ContainsAny(id, ": \t\r\n"):
			l.problem(at+".id", "must contain neither spaces nor colons, which Basic authentication could not carry")
		case seen[id] != "":
			l.problem(at+".id", "is the name of %s too; give each client a name of its own", seen[id])
		}
		seen[id] = at
		l.checkClientSecret(c.SecretFile, at+".secret_file")
	}
}

func (l *loader) checkClientSecret(file, at string) {
	if file == "" {
		l.problem(at, "missing: a file that holds the client's secret; a good one comes from: openssl rand -hex 32")
		return
	}
	l.checkSecretFile(file, at)
	if l.broken(at) {
		return
	}
	if secret, err := ReadSecretFile(file); err != nil {
		l.problem(at, "%s", err)
	} else if len(secret.Reveal()) < shortestSecret {
		l.problem(at, "holds a secret of less than %d characters, which can be guessed; a good one comes from: openssl rand -hex 32", shortestSecret)
	}
}
