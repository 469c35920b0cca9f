package certs

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// store makes one of pairs.
func store(t testing.TB, j *journal, pairs ...certtest.Pair) *Store {
	t.Helper()
	var l modgw.Listener
	for _, p := range pairs {
		l.TLS = append(l.TLS, modgw.Certificate(p))
	}
	s, err := New(Config{Listener: l, Log: j.log()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// chosen returns the subject of the certificate for a client that asks for name.
func chosen(t testing.TB, s *Store, name string) string {
	t.Helper()
	c, err := s.choose(hello(name))
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.Subject.CommonName
}

func hello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
}

// lookNow makes the next client check the files.
func lookNow(s *Store) {
	for _, p := range s.pairs {
		p.next.Store(0)
	}
}

func TestCertificateIsChosenByTheNameThatIsAskedFor(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	s := store(t, new(journal), ca.Issue(t, dir, "a.example"), ca.Issue(t, dir, "b.example", "*.b.example"))
	for name, want := range map[string]string{
		"a.example": "a.example", "b.example": "b.example", "x.b.example": "b.example", "B.EXAMPLE": "b.example",
		"c.example": "a.example", "": "a.example",
	} {
		if got := chosen(t, s, name); got != want {
			t.Errorf("%q gets %q, want %q", name, got, want)
		}
	}
}

func TestReplacedFilesAreNoticed(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	pair := ca.Issue(t, dir, "a.example")
	j := new(journal)
	s := store(t, j, pair)
	before, _ := s.choose(hello("a.example"))

	ca.Issue(t, dir, "a.example")
	if now, _ := s.choose(hello("a.example")); now != before {
		t.Error("the files are looked at more than once a second")
	}
	lookNow(s)
	if now, _ := s.choose(hello("a.example")); now == before {
		t.Error("new files are not noticed")
	}
	if !strings.Contains(j.String(), "certificate replaced") {
		t.Errorf("the log is silent:\n%s", j)
	}
}

// Certbot and Kubernetes replace a link, behind which the files are others.
func TestFilesBehindLinksAreNoticed(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	for _, version := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		ca.Issue(t, filepath.Join(dir, version), "a.example")
	}
	live := filepath.Join(dir, "live")
	if err := os.Symlink("1", live); err != nil {
		t.Fatal(err)
	}
	s := store(t, new(journal), certtest.Pair{File: filepath.Join(live, "a.example.pem"), Key: filepath.Join(live, "a.example.key")})
	before, _ := s.choose(hello("a.example"))
	if err := os.Symlink("2", live+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(live+".new", live); err != nil {
		t.Fatal(err)
	}
	lookNow(s)
	if now, _ := s.choose(hello("a.example")); now == before {
		t.Error("the new files are not noticed")
	}
}

func TestBrokenFilesChangeNothingAndAreSpokenOfOnce(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	pair := ca.Issue(t, dir, "a.example")
	j := new(journal)
	s := store(t, j, pair)
	good, _ := os.ReadFile(pair.Key)
	for _, spoil := range []func(){
		func() { os.WriteFile(pair.Key, []byte("no key"), 0o600) },
		func() { os.WriteFile(pair.Key, good[:len(good)/2], 0o600) },
		func() { os.Remove(pair.Key) },
		func() { os.Remove(pair.Key); os.Mkdir(pair.Key, 0o700) },
		func() { os.WriteFile(pair.File, nil, 0o600) },
	} {
		j.text.Reset()
		spoil()
		for range 4 {
			lookNow(s)
			if got := chosen(t, s, "a.example"); got != "a.example" {
				t.Errorf("%q is served", got)
			}
		}
		if said := strings.Count(j.String(), "certificate not replaced"); said != 1 {
			t.Errorf("it was said %d times:\n%s", said, j)
		}
	}
	os.Remove(pair.Key)
	ca.Issue(t, dir, "a.example")
	j.text.Reset()
	lookNow(s)
	chosen(t, s, "a.example")
	if !strings.Contains(j.String(), "certificate replaced") {
		t.Errorf("good files after broken ones are not noticed:\n%s", j)
	}
}

// A certificate is written before its key, and a client arrives in between.
func TestHalfWrittenFilesAreNoNews(t *testing.T) {
	ca, dir, other := certtest.New(t), t.TempDir(), t.TempDir()
	pair, next := ca.Issue(t, dir, "a.example"), ca.Issue(t, other, "a.example")
	j := new(journal)
	s := store(t, j, pair)
	move(t, next.File, pair.File)
	lookNow(s)
	chosen(t, s, "a.example")
	move(t, next.Key, pair.Key)
	lookNow(s)
	chosen(t, s, "a.example")
	if log := j.String(); strings.Contains(log, "not replaced") || !strings.Contains(log, "certificate replaced") {
		t.Error(log)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeyThatEverybodyMayReadIsWarnedOf(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	pair := ca.Issue(t, dir, "a.example")
	if err := os.Chmod(pair.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	j := new(journal)
	store(t, j, pair)
	if !faulttest.Has(j.String(), "MGW-TLS-003") {
		t.Errorf("the log is silent:\n%s", j)
	}
}

func TestKeyBehindALinkOfAUserIsReadWithTheUsersRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	const user = 61001
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	theirs := filepath.Join(dir, "theirs")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(theirs, 0o755)); err != nil {
		t.Fatal(err)
	}
	authority := certtest.New(t)
	roots, own := authority.Issue(t, dir, "roots.test"), authority.Issue(t, theirs, "own.test")
	link := filepath.Join(theirs, "link.key")
	err = errors.Join(os.Symlink(roots.Key, link), os.Lchown(theirs, user, user), os.Lchown(own.File, user, user), os.Lchown(own.Key, user, user))
	if err != nil {
		t.Fatal(err)
	}
	if name := chosen(t, store(t, &journal{}, own), "own.test"); name != "own.test" {
		t.Errorf("the user's own certificate is %q", name)
	}
	var l modgw.Listener
	l.TLS = append(l.TLS, modgw.Certificate{File: own.File, Key: link})
	_, err = New(Config{Listener: l})
	if f, ok := errors.AsType[*modgw.Fault](err); !ok || !faulttest.Has(f.Error(), "MGW-TLS-001") || !errors.Is(err, os.ErrPermission) {
		t.Errorf("root's key was read for the user: %v", err)
	}
}

func TestStoreIsNotMadeOfWhatCannotBeUsed(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	a, b := ca.Issue(t, dir, "a.example"), ca.Issue(t, dir, "b.example")
	for code, l := range map[string]modgw.Listener{
		"MGW-TLS-001": {TLS: []modgw.Certificate{{File: a.File, Key: filepath.Join(dir, "none")}}},
		"MGW-TLS-002": {TLS: []modgw.Certificate{{File: a.File, Key: b.Key}}},
		"MGW-TLS-005": {TLS: []modgw.Certificate{modgw.Certificate(a)}, ClientCA: a.Key},
	} {
		_, err := New(Config{Listener: l})
		if f, ok := err.(*modgw.Fault); !ok || f.Code != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
}

func TestConnectionsOutliveTheirCertificate(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	s := store(t, new(journal), ca.Issue(t, dir, "a.example"))
	ln, err := tls.Listen("tcp", "127.0.0.1:0", s.TLS())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			c.(*tls.Conn).Handshake()
			defer c.Write([]byte("still here"))
		}
	}()
	old, err := tls.Dial("tcp", ln.Addr().String(), ca.Client("a.example"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	ca.Issue(t, dir, "a.example")
	lookNow(s)
	fresh, err := tls.Dial("tcp", ln.Addr().String(), ca.Client("a.example"))
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	<-done
	if old.ConnectionState().PeerCertificates[0].Equal(fresh.ConnectionState().PeerCertificates[0]) {
		t.Error("the new connection has the old certificate")
	}
	old.SetDeadline(time.Now().Add(watchtest.Patience))
	b := make([]byte, 10)
	if n, err := old.Read(b); string(b[:n]) != "still here" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestStoreSaysWhenItsCertificatesExpire(t *testing.T) {
	var j journal
	pair := certtest.New(t).Issue(t, t.TempDir(), "shop.example", "www.shop.example")
	held := store(t, &j, pair).Certificates()
	if len(held) != 1 || held[0].Name != "shop.example" || held[0].File != pair.File || time.Until(held[0].Expires) > time.Hour {
		t.Errorf("%+v", held)
	}
}
