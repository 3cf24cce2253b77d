package config

import (
	"crypto/tls"
	"os"
	"runtime"
)

// checkTLS wants one certificate, by either way, that can be used.
func (l *loader) checkTLS(e *Environment, path string) {
	cert, key, own := path+".cert_file", path+".key_file", path+".self_signed"
	t := e.TLS
	switch {
	case !t.On() || l.broken(cert) || l.broken(key) || l.broken(own):
	case t.SelfSigned && (t.CertFile != "" || t.KeyFile != ""):
		l.problem(own, "is set beside cert_file or key_file; keep one way")
	case t.SelfSigned && l.config.StateDir == "":
		l.problem(own, "needs state_dir, a folder of dvproxy's own: the CA that clients trust is kept there")
	case t.SelfSigned:
	case t.KeyFile == "":
		l.problem(key, "missing: the file with the private key of the certificate in cert_file")
	case t.CertFile == "":
		l.problem(cert, "missing: the file with the certificate for the private key in key_file")
	default:
		l.checkPair(t, cert, key)
	}
}

// checkPair holds the key's file to the rules of a secret file.
func (l *loader) checkPair(t TLS, cert, key string) {
	if _, err := os.ReadFile(t.CertFile); err != nil {
		l.problem(cert, "the file cannot be read: %s", reason(err))
		return
	}
	warning, err := CheckSecretFile(t.KeyFile)
	if err != nil {
		l.problem(key, "%s", err)
		return
	}
	if warning != "" {
		l.warn(key, "%s", warning)
	}
	if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
		l.problem(cert, "is no certificate for the key in key_file, both as PEM: %s", reason(err))
	}
}

// checkStateDir takes a folder that is not there yet; dvproxy makes it.
func (l *loader) checkStateDir() {
	const at = "state_dir"
	dir := l.config.StateDir
	if dir == "" {
		return
	}
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
	case err != nil:
		l.problem(at, "the folder cannot be used: %s", reason(err))
	case !info.IsDir():
		l.problem(at, "must be a folder")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0:
		l.problem(at, "every account on this machine may write to the folder; take that away with: chmod o-w; or name a folder in it, which dvproxy makes for itself")
	}
}
