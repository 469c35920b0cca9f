package certs

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/sync/singleflight"

	"github.com/modgw/modgw/modgw"
)

// challengeProtocol is negotiated by a certificate authority that checks whether a name is ours
// (RFC 8737).
const challengeProtocol = acme.ALPNProto

// challengePath is the path below which a certificate authority looks for answers to its challenges
// over HTTP (RFC 8555 section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// authority gets certificates by ACME: one when its name is first asked for, and renewals long
// before it expires. It stores them in a folder.
type authority struct {
	hosts     []string
	manager   *autocert.Manager
	log       *slog.Logger
	transport *http.Transport
	ctx       context.Context // bounds everything that is asked of the authority
	cancel    context.CancelFunc
	asking    sync.WaitGroup
	flights   singleflight.Group

	mu   sync.Mutex
	told map[string]time.Time // when it was last said that there is no certificate for a name
}

// tellAgain is the shortest interval between log records about failures for one name. A new attempt
// is made each minute in which a client asks for the name.
const tellAgain = 10 * time.Minute

func newAuthority(settings modgw.ACME, cache string, log *slog.Logger) *authority {
	a := &authority{
		hosts:     settings.Hosts,
		log:       log,
		transport: http.DefaultTransport.(*http.Transport).Clone(),
		told:      map[string]time.Time{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS, // no block of settings without agree_tos gets here
		Cache:      autocert.DirCache(cache),
		HostPolicy: autocert.HostWhitelist(settings.Hosts...),
		Email:      settings.Email,
		Client: &acme.Client{
			DirectoryURL: cmp.Or(settings.Directory, autocert.DefaultACMEDirectory),
			HTTPClient:   &http.Client{Transport: bound{a.ctx, a.transport}, Timeout: time.Minute},
			UserAgent:    "modgw-host",
		},
	}
	return a
}

func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == challengeProtocol
}

// serves reports whether a name is one of those that certificates are got for.
func (a *authority) serves(name string) bool {
	return slices.Contains(a.hosts, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// certificate returns the certificate for the name that a client asks for. Getting the first one
// takes seconds: it continues if the client gives up.
func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if isChallenge(hello) {
		return a.manager.GetCertificate(hello)
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !a.serves(name) {
		return nil, notOurs(name)
	}
	got := a.flights.DoChan(name, func() (any, error) {
		a.asking.Add(1)
		defer a.asking.Done()
		return a.get(name)
	})
	select {
	case result := <-got:
		certificate, _ := result.Val.(*tls.Certificate)
		return certificate, result.Err
	case <-hello.Context().Done():
		return nil, hello.Context().Err()
	}
}

// get gets a certificate with an ECDSA key, which all clients take that have TLS 1.2 as it is
// spoken here.
func (a *authority) get(name string) (*tls.Certificate, error) {
	if err := a.ctx.Err(); err != nil {
		return nil, err
	}
	certificate, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:       name,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     suites[:1],
	})
	if err != nil && a.ctx.Err() == nil {
		a.tell(name, err)
	}
	return certificate, err
}

func (a *authority) tell(name string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.told[name]) < tellAgain {
		return
	}
	a.told[name] = time.Now()
	f := notIssued(name, err)
	a.log.Error("certificate not issued", "code", f.Code, "error", f.Line(), "hint", f.Hint)
}

// close cancels pending requests to the authority, and returns when none is left.
func (a *authority) close() {
	a.cancel()
	a.asking.Wait()
	a.transport.CloseIdleConnections()
}

// Challenges answers a certificate authority's challenges over HTTP for the names that the store
// gets certificates for, and passes all other requests to next.
func (s *Store) Challenges(next http.Handler) http.Handler {
	if s.acme == nil {
		return next
	}
	answer := s.acme.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, challengePath) && s.acme.serves(hostname(r.Host)) {
			answer.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is a Host header without its port.
func hostname(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// bound makes requests that end with ctx, regardless of their own contexts.
type bound struct {
	ctx context.Context
	by  http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(b.ctx, cancel)
	end := func() { stop(); cancel() }
	response, err := b.by.RoundTrip(r.WithContext(ctx))
	if err != nil {
		end()
		return nil, err
	}
	response.Body = &boundBody{response.Body, end}
	return response, nil
}

type boundBody struct {
	io.ReadCloser
	end func()
}

func (b *boundBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
