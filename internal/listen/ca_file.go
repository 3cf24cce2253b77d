package listen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	secretName = "ca.key" // key and certificate, so that the two cannot be parted
	publicName = "ca.crt" // the certificate alone
)

// OpenCA returns the CA that is kept in a folder, and makes both if they are not
// there. Names are those beside localhost, 127.0.0.1 and [::1] that a new CA can
// sign for. The folder and what is in it are for this account only; the key is
// never anywhere else. The error says what is wrong with them and what to do.
func OpenCA(dir string, names []string) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the local CA: %w", err)
	}
	if err := checkPrivate(dir, "chmod 700"); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, secretName)
	ca, err := readCA(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = writeNewCA(path, names); err == nil {
			ca, err = readCA(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	ca.file = filepath.Join(dir, publicName)
	if err := ca.ended(); err != nil {
		return nil, err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	if there, err := os.ReadFile(ca.file); err == nil && bytes.Equal(there, public) {
		return ca, nil
	}
	if err := writeWhole(ca.file, public, os.Rename); err != nil {
		return nil, fmt.Errorf("write the local CA's certificate: %w", err)
	}
	return ca, nil
}

// checkPrivate refuses what another account may open.
func checkPrivate(path, remedy string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to other accounts (mode %04o), and the local CA's key is in it; close it with: %s %s", path, info.Mode().Perm(), remedy, path)
	}
	return nil
}

func readCA(path string) (*CA, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(path, "chmod 600"); err != nil {
		return nil, err
	}
	ca := &CA{}
	for block, rest := pem.Decode(text); block != nil && err == nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			ca.cert, err = x509.ParseCertificate(block.Bytes)
		case "PRIVATE KEY":
			var key any
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
			ca.key, _ = key.(*ecdsa.PrivateKey)
		}
	}
	if err != nil || ca.cert == nil || ca.key == nil || !ca.key.PublicKey.Equal(ca.cert.PublicKey) {
		return nil, fmt.Errorf("%s does not hold a CA and its key; restore it, or delete its folder, start dvproxy again, and let clients trust the new CA", path)
	}
	return ca, nil
}

// writeNewCA makes a CA, unless another process is first.
func writeNewCA(path string, names []string) error {
	ca, err := newCA(names)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})...)
	err = writeWhole(path, text, os.Link) // which replaces nothing
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// writeWhole writes a file for this account only, under another name first, and
// puts it in its place.
func writeWhole(path string, text []byte, put func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return put(f.Name(), path)
}
