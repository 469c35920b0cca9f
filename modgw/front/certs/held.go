package certs

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"
)

// Held is a certificate that a store has.
type Held struct {
	Name    string    // first name that it is for
	File    string    // path of the certificate; "": it came by ACME
	Begins  time.Time // from when on it is valid
	Expires time.Time // until when
}

// Certificates returns the certificates that the store has now.
func (s *Store) Certificates() (all []Held) {
	for _, p := range s.pairs {
		h := heldOf(p.current().Leaf)
		h.File = p.files.File
		all = append(all, h)
	}
	if s.acme == nil {
		return all
	}
	for _, host := range s.acme.hosts {
		if leaf, err := s.acme.kept(host); err == nil {
			all = append(all, heldOf(leaf))
		}
	}
	return all
}

func heldOf(leaf *x509.Certificate) Held {
	h := Held{Name: leaf.Subject.CommonName, Begins: leaf.NotBefore, Expires: leaf.NotAfter}
	if len(leaf.DNSNames) > 0 {
		h.Name = leaf.DNSNames[0]
	}
	return h
}

// kept is the certificate for a name that the authority's folder has.
func (a *authority) kept(host string) (*x509.Certificate, error) {
	text, err := a.manager.Cache.Get(context.Background(), host)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("no certificate")
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}
