// Package certtest makes certificates for tests.
//
// It is only for tests. Each authority, with the files of its certificates, lives as long as its
// test.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	File string         // its own certificate, in PEM
	Pool *x509.CertPool // with it alone

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      atomic.Int64
}

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{File: filepath.Join(t.TempDir(), "ca.pem"), Pool: x509.NewCertPool(), key: newKey(t)}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "modgw test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := a.sign(t, a.certificate, a.key.Public())
	a.certificate, _ = x509.ParseCertificate(der)
	a.Pool.AddCert(a.certificate)
	write(t, a.File, "CERTIFICATE", der)
	return a
}

// Pair is a certificate with its key in two files.
type Pair struct {
	File string // path of the certificate
	Key  string // path of its key
}

// Issue writes a certificate for names into a folder. The first name is also the subject.
func (a *Authority) Issue(t testing.TB, dir string, names ...string) Pair {
	t.Helper()
	return a.issue(t, dir, time.Now().Add(time.Hour), names...)
}

// IssueExpired is like Issue, but the certificate is no longer valid.
func (a *Authority) IssueExpired(t testing.TB, dir string, names ...string) Pair {
	t.Helper()
	return a.issue(t, dir, time.Now().Add(-time.Second), names...)
}

func (a *Authority) issue(t testing.TB, dir string, until time.Time, names ...string) Pair {
	t.Helper()
	key := newKey(t)
	der := a.signUntil(t, until, key.Public(), names...)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair := Pair{filepath.Join(dir, names[0]+".pem"), filepath.Join(dir, names[0]+".key")}
	write(t, pair.Key, "PRIVATE KEY", private)
	write(t, pair.File, "CERTIFICATE", der)
	return pair
}

// Sign makes a certificate for a key.
func (a *Authority) Sign(t testing.TB, key crypto.PublicKey, names ...string) []byte {
	t.Helper()
	return a.signUntil(t, time.Now().Add(time.Hour), key, names...)
}

func (a *Authority) signUntil(
	t testing.TB, until time.Time, key crypto.PublicKey, names ...string,
) []byte {
	t.Helper()
	return a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1 + a.serial.Add(1)), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
}

// Client returns the configuration of a client that connects to the server called name and presents
// the given certificates. The client exchanges keys by P-256, which is written in assembly: by
// default it would compute in Go, which is slow under the race detector.
func (a *Authority) Client(name string, own ...Pair) *tls.Config {
	c := &tls.Config{RootCAs: a.Pool, ServerName: name, CurvePreferences: []tls.CurveID{tls.CurveP256}}
	for _, p := range own {
		if pair, err := tls.LoadX509KeyPair(p.File, p.Key); err == nil {
			c.Certificates = append(c.Certificates, pair)
		}
	}
	return c
}

func (a *Authority) sign(t testing.TB, template *x509.Certificate, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
