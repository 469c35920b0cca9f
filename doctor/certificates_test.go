package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// signer is an authority, or a certificate with its key.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (s *signer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

// sign makes a certificate for a name that counts until a time. by signs it; nil: itself.
func sign(t *testing.T, name string, until time.Time, authority bool, by *signer) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.AddDate(0, 0, -90), NotAfter: until, IsCA: authority, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent := &signer{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{certificate, key}
}

// writeCertificates fills a folder with certificates for www.example.com, good and bad.
func writeCertificates(t *testing.T, dir string) {
	t.Helper()
	now := time.Now()
	root := sign(t, "Test Root", now.AddDate(0, 0, 80), true, nil)
	good := sign(t, "www.example.com", now.AddDate(0, 0, 60), false, root)
	write := func(name string, mode os.FileMode, parts ...[]byte) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, p := range parts {
			text = append(text, p...)
		}
		if err := os.WriteFile(file, text, mode); err != nil {
			t.Fatal(err)
		}
	}
	keyOf := func(s *signer) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(s.key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	pair := func(name string, s *signer) {
		write(name+".pem", 0o644, s.pem(), root.pem())
		write(name+".key", 0o600, keyOf(s))
	}
	pair("good", good)
	write("open.key", 0o644, keyOf(good))
	pair("expired", sign(t, "www.example.com", now.AddDate(0, 0, -1), false, root))
	pair("soon", sign(t, "www.example.com", now.AddDate(0, 0, 5), false, root))
	pair("other", sign(t, "other.example.com", now.AddDate(0, 0, 60), false, root))
	write("live/cert.pem", 0o644, good.pem())
	write("live/fullchain.pem", 0o644, good.pem(), root.pem())
	write("live/privkey.pem", 0o600, keyOf(good))
}
