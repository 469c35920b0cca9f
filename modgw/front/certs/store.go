package certs

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"

	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// Config is the configuration of a Store.
type Config struct {
	Listener  modgw.Listener // its TLS, ACME, ClientCA and ClientCertificate count
	ACMECache string         // folder for certificates from ACME; created when needed
	Log       *slog.Logger   // nil: nothing is logged
}

// Store has the certificates of one listener. Make it with [New] and close it when no listener uses
// it any more.
type Store struct {
	pairs   []*pair
	acme    *authority // nil without ACME
	clients *x509.CertPool
	need    tls.ClientAuthType
}

// New reads the files that the configuration names. An error is a *modgw.Fault.
func New(c Config) (*Store, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{}
	for _, files := range c.Listener.TLS {
		p, err := newPair(files, c.Log)
		if err != nil {
			return nil, err
		}
		s.pairs = append(s.pairs, p)
	}
	if file := c.Listener.ClientCA; file != "" {
		var err error
		if s.clients, err = readAuthorities(file); err != nil {
			return nil, err
		}
		s.need = tls.RequireAndVerifyClientCert
		if c.Listener.ClientCertificate == modgw.ClientCertificateOptional {
			s.need = tls.VerifyClientCertIfGiven
		}
	}
	if c.Listener.ACME != nil {
		s.acme = newAuthority(*c.Listener.ACME, c.ACMECache, c.Log)
	}
	return s, nil
}

// suites are the ciphers of TLS 1.2 that HTTP/2 allows (RFC 9113 section 9.2.2). Those of TLS 1.3
// cannot be chosen.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// TLS returns the configuration of a listener's handshakes: TLS 1.2 or newer, followed by HTTP/2 or
// HTTP/1.1.
func (s *Store) TLS() *tls.Config {
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: s.choose,
		ClientCAs:      s.clients,
		ClientAuth:     s.need,
	}
	if s.acme == nil {
		return c
	}
	c.NextProtos = append(c.NextProtos, challengeProtocol)
	challenge := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{challengeProtocol}, GetCertificate: s.choose}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if isChallenge(hello) {
			return challenge, nil // the authority has no certificate of a client
		}
		return nil, nil
	}
	return c
}

// choose returns the certificate for the name that a client asks for: the first pair of files that
// matches, else the one from ACME, else the first pair.
func (s *Store) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.acme != nil && isChallenge(hello) {
		return s.acme.certificate(hello)
	}
	for _, p := range s.pairs {
		if certificate := p.current(); hello.SupportsCertificate(certificate) == nil {
			return certificate, nil
		}
	}
	if s.acme != nil && (len(s.pairs) == 0 || s.acme.serves(hello.ServerName)) {
		return s.acme.certificate(hello)
	}
	return s.pairs[0].current(), nil
}

// Close cancels pending requests to a certificate authority.
func (s *Store) Close() {
	if s.acme != nil {
		s.acme.close()
	}
}

// largestFile is the largest size of a file, in bytes.
const largestFile = 1 << 20

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := safepath.Opener{}.ReadFile(file, largestFile)
	if err != nil {
		return nil, noAuthorities(file, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, noAuthorities(file, errNoCertificate)
	}
	return pool, nil
}
