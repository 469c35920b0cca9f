package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// certificates returns incidents with the host's own certificates.
func certificates() []*incident {
	listener := func(left time.Duration) func(context.Context, *scene) error {
		return func(_ context.Context, s *scene) error {
			address, err := testbed.FreeAddress()
			if err != nil {
				return err
			}
			if err := writeCertificate(s.path("tls.pem"), s.path("tls.key"), time.Now().Add(left)); err != nil {
				return err
			}
			file, err := os.OpenFile(s.path("host.hcl"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = fmt.Fprintf(file, "listen \"http\" {\n  address = %q\n  tls {\n    certificate = %q\n    key = %q\n  }\n}\n",
				address, s.path("tls.pem"), s.path("tls.key"))
			return err
		}
	}
	return []*incident{
		{
			name:    "a certificate has expired",
			app:     `wsgi { entry = "shop.py" }`,
			files:   map[string]string{"shop.py": hello},
			prepare: listener(-3 * 24 * time.Hour),
			cause:   "certificate_expired", says: `the certificate for shop\.example expired 3 days ago, at \d+-\d+-\d+ .*tls\.pem`,
		},
		{
			name:    "a certificate expires soon",
			app:     `wsgi { entry = "shop.py" }`,
			files:   map[string]string{"shop.py": hello},
			prepare: listener(4*24*time.Hour + time.Hour),
			cause:   "certificate_expires", says: `the certificate for shop\.example expires in 4 days, at`,
		},
	}
}

// writeCertificate writes a certificate that expires then, and its key.
func writeCertificate(file, key string, expires time.Time) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop.example"}, DNSNames: []string{"shop.example"},
		NotBefore: expires.Add(-90 * 24 * time.Hour), NotAfter: expires,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return err
	}
	return os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600)
}
