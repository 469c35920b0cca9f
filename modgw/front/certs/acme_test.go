package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// directory is as much of an ACME server as a client needs. It checks no signatures of requests.
type directory struct {
	*httptest.Server
	ca       *certtest.Authority
	t        *testing.T
	validate func(host, challenge, token string) error // nil: no challenge is valid
	offers   string                                    // the type of its challenges
	// when it is not nil, an order waits until it is closed
	stalls  chan struct{}
	stalled chan struct{} // closed when one waits

	mu     sync.Mutex
	host   string // name in the order
	valid  bool
	issued []byte
	orders int
}

func newDirectory(t *testing.T, offers string) *directory {
	d := &directory{ca: certtest.New(t), t: t, offers: offers}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Server.Close)
	return d
}

func (d *directory) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Replay-Nonce", "nonce")
	say := func(status int, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, strings.ReplaceAll(text, "URL", d.URL))
	}
	var message struct{ Payload string }
	_ = json.NewDecoder(r.Body).Decode(&message)
	payload, _ := base64.RawURLEncoding.DecodeString(message.Payload)
	if r.URL.Path == "/order" && d.stalls != nil {
		close(d.stalled)
		select {
		case <-d.stalls:
		case <-r.Context().Done():
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	status := map[bool]string{true: "valid", false: "pending"}[d.valid]
	order := fmt.Sprintf(`"identifiers":[{"type":"dns","value":%q}],"authorizations":["URL/authz"],"finalize":"URL/finalize"`, d.host)
	switch r.URL.Path {
	case "/":
		say(200, `{"newNonce":"URL/nonce","newAccount":"URL/account","newOrder":"URL/order"}`)
	case "/nonce":
		w.WriteHeader(200)
	case "/account":
		w.Header().Set("Location", d.URL+"/account/1")
		say(201, `{"status":"valid"}`)
	case "/order":
		var wanted struct{ Identifiers []struct{ Value string } }
		_ = json.Unmarshal(payload, &wanted)
		d.host, d.valid, d.orders = wanted.Identifiers[0].Value, false, d.orders+1
		w.Header().Set("Location", d.URL+"/order/1")
		say(201, `{"status":"pending",`+order+`}`)
	case "/order/1":
		if d.issued != nil {
			say(200, `{"status":"valid","certificate":"URL/certificate",`+order+`}`)
			return
		}
		say(200, `{"status":"ready",`+order+`}`)
	case "/authz":
		say(200, fmt.Sprintf(`{"status":%q,"identifier":{"type":"dns","value":%q},"challenges":[{"type":%q,"url":"URL/challenge","token":"token","status":%q}]}`,
			status, d.host, d.offers, status))
	case "/challenge":
		if err := d.validate(d.host, d.offers, "token"); err != nil {
			d.t.Error(err)
		}
		d.valid = true
		say(200, fmt.Sprintf(`{"type":%q,"url":"URL/challenge","token":"token","status":"valid"}`, d.offers))
	case "/finalize":
		var request struct{ CSR string }
		_ = json.Unmarshal(payload, &request)
		der, _ := base64.RawURLEncoding.DecodeString(request.CSR)
		csr, err := x509.ParseCertificateRequest(der)
		if err != nil {
			d.t.Error(err)
			return
		}
		d.issued = d.ca.Sign(d.t, csr.PublicKey, d.host)
		w.Header().Set("Location", d.URL+"/order/1")
		say(200, `{"status":"valid","certificate":"URL/certificate",`+order+`}`)
	case "/certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: d.issued})
	default:
		http.NotFound(w, r)
	}
}

// acmeStore makes a store that gets certificates from d.
func acmeStore(t *testing.T, d *directory, cache string, j *journal) *Store {
	t.Helper()
	s, err := New(Config{
		Listener:  modgw.Listener{ACME: &modgw.ACME{Hosts: []string{"a.example", "b.example"}, Directory: d.URL + "/"}},
		ACMECache: cache,
		Log:       j.log(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// listenTLS shakes hands with each client, until the test ends.
func listenTLS(t *testing.T, s *Store) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", s.TLS())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				_ = c.(*tls.Conn).Handshake()
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		group.Wait()
	})
	return ln.Addr().String()
}

// dialed returns the subject of the certificate that a client gets.
func dialed(addr string, config *tls.Config) (string, error) {
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// acmeIdentifier is the extension in the certificate of a challenge (RFC 8737 section 3).
var acmeIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}

func TestAuthorityGivesACertificateThatIsKept(t *testing.T) {
	d := newDirectory(t, "tls-alpn-01")
	cache := filepath.Join(t.TempDir(), "acme")
	addr := listenTLS(t, acmeStore(t, d, cache, new(journal)))
	d.validate = func(host, _, _ string) error {
		c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: host, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		defer c.Close()
		for _, extension := range c.ConnectionState().PeerCertificates[0].Extensions {
			if extension.Id.Equal(acmeIdentifier) {
				return nil
			}
		}
		return fmt.Errorf("the certificate of the challenge says nothing of it")
	}
	for range 2 {
		if got, err := dialed(addr, d.ca.Client("a.example")); got != "a.example" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	again := listenTLS(t, acmeStore(t, d, cache, new(journal)))
	if got, err := dialed(again, d.ca.Client("a.example")); got != "a.example" || d.orders != 1 {
		t.Errorf("after a new start: %q, %v after %d orders", got, err, d.orders)
	}
	if info, err := os.Stat(cache); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the folder with the keys: %v, %v", info, err)
	}
}

func TestAuthorityLooksOverHTTPToo(t *testing.T) {
	d := newDirectory(t, "http-01")
	s := acmeStore(t, d, t.TempDir(), new(journal))
	plain := s.Challenges(http.NotFoundHandler())
	d.validate = func(host, _, token string) error {
		w := httptest.NewRecorder()
		plain.ServeHTTP(w, httptest.NewRequest("GET", "http://"+host+challengePath+token, nil))
		if !strings.HasPrefix(w.Body.String(), token+".") {
			return fmt.Errorf("%d %q", w.Code, w.Body)
		}
		return nil
	}
	if got, err := dialed(listenTLS(t, s), d.ca.Client("b.example")); got != "b.example" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOtherChallengesAreTheAppsOwn(t *testing.T) {
	s := acmeStore(t, newDirectory(t, "http-01"), t.TempDir(), new(journal))
	plain := s.Challenges(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the app's") }))
	for url, want := range map[string]bool{
		"http://a.example/":                          true,
		"http://c.example" + challengePath + "x":     true,
		"http://c.example:80" + challengePath + "x":  true,
		"http://a.example:80" + challengePath + "x":  false,
		"http://a.example" + challengePath + "../..": false,
	} {
		w := httptest.NewRecorder()
		plain.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		if got := w.Body.String() == "the app's"; got != want {
			t.Errorf("%s: %d %q", url, w.Code, w.Body)
		}
	}
}

func TestNoCertificateIsAskedForOtherNames(t *testing.T) {
	d := newDirectory(t, "tls-alpn-01")
	addr := listenTLS(t, acmeStore(t, d, t.TempDir(), new(journal)))
	for _, name := range []string{"c.example", "x.a.example", "127.0.0.1"} {
		if _, err := dialed(addr, d.ca.Client(name)); err == nil {
			t.Errorf("%s has a certificate", name)
		}
	}
	if d.orders != 0 {
		t.Errorf("%d orders", d.orders)
	}
}

func TestAuthorityThatRefusesIsLoggedOnce(t *testing.T) {
	d := newDirectory(t, "dns-01") // a challenge that is not supported here
	j := new(journal)
	addr := listenTLS(t, acmeStore(t, d, t.TempDir(), j))
	for range 3 {
		if _, err := dialed(addr, d.ca.Client("a.example")); err == nil {
			t.Error("there is a certificate")
		}
	}
	if said := strings.Count(j.String(), "certificate not issued"); said != 1 || !faulttest.Has(j.String(), "MGW-TLS-006") {
		t.Errorf("it was said %d times:\n%s", said, j)
	}
}

func TestClosingDoesNotWaitForTheAuthority(t *testing.T) {
	d := newDirectory(t, "tls-alpn-01")
	d.stalls, d.stalled = make(chan struct{}), make(chan struct{})
	defer close(d.stalls)
	s := acmeStore(t, d, t.TempDir(), new(journal))
	failed := make(chan error, 1)
	addr := listenTLS(t, s)
	go func() {
		_, err := dialed(addr, d.ca.Client("a.example"))
		failed <- err
	}()
	<-d.stalled
	s.Close()
	if err := <-failed; err == nil {
		t.Error("there is a certificate")
	}
}
