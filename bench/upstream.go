package main

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	answerBytes = 1 << 10
	pageRecords = 5000 // the rows of Dataverse's largest page
)

// An upstream is a stand-in for Dataverse, and beside it a token endpoint. It
// does as little as can be, so that the proxies are what is measured.
type upstream struct {
	dataverse, entra net.Listener
	address          string // of dataverse
	tokenURL         string
	token            string
	tls              bool
	caFile           string       // of its certificate
	bare             atomic.Int64 // requests without the token
	close            func()
}

func newUpstream(ctx context.Context, dir string, useTLS bool) (*upstream, error) {
	u := &upstream{tls: useTLS, token: rand.Text(), caFile: dir + "/ca.pem"}
	pair, err := certificate(u.caFile)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	if u.dataverse, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if u.entra, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	u.address, u.tokenURL = u.dataverse.Addr().String(), "http://"+u.entra.Addr().String()+"/token"
	if useTLS {
		u.dataverse = tls.NewListener(u.dataverse, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
	}
	quiet := log.New(io.Discard, "", 0) // a client that leaves is no event
	dataverse := &http.Server{Handler: u.answers(), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	entra := &http.Server{Handler: http.HandlerFunc(u.issue), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	go func() { _ = dataverse.Serve(u.dataverse) }() // until close
	go func() { _ = entra.Serve(u.entra) }()
	u.close = func() { _, _ = dataverse.Close(), entra.Close() }
	return u, nil
}

// issue is a token endpoint that knows one token. RFC 6749 4.4.3.
func (u *upstream) issue(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, u.token)
}

// answers gives a small record, and a page of many under /page.
func (u *upstream) answers() http.Handler {
	scheme := "http"
	if u.tls {
		scheme = "https"
	}
	head := `{"@odata.context":"` + scheme + "://" + u.address + `/api/data/v9.2/$metadata#accounts/$entity",`
	record := head + `"name":"`
	record += strings.Repeat("x", answerBytes-len(record)-2) + `"}`
	var page strings.Builder
	page.WriteString(head + `"value":[`)
	for i := range pageRecords {
		fmt.Fprintf(&page, `%s{"accountid":"%08x-0000-4000-8000-%012x","name":"Customer number %d","revenue":%d}`, strings.Repeat(",", min(i, 1)), i, i*i, i, i*7)
	}
	page.WriteString("]}")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+u.token {
			u.bare.Add(1)
		}
		w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
		switch {
		case r.URL.Path != "/page":
			_, _ = io.WriteString(w, record) // the client may have left
		case strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			_, _ = io.WriteString(zip, page.String())
			_ = zip.Close()
		default:
			_, _ = io.WriteString(w, page.String())
		}
	})
}

// certificate makes one for 127.0.0.1 that vouches for itself, and writes it
// to a file.
func certificate(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(file, text, 0o600)
}
