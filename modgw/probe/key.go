package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// MaxLifetime is the longest lifetime of a key after it was asked for.
const MaxLifetime = 5 * time.Minute

// Key signs probes.
type Key struct {
	Secret  []byte    `json:"secret"`  // random
	Expires time.Time `json:"expires"` // from then on no probe signed with it counts
}

// newKey makes a key.
func newKey(expires time.Time) Key {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return Key{secret, expires}
}

// Kind is the kind of answer that a probe asks for.
type Kind string

// The kinds of probes.
const (
	Echo     Kind = "echo"     // read the body, and report the request
	Stream   Kind = "stream"   // send an event, wait until the doctor has it, and send another
	Upgrade  Kind = "upgrade"  // become a WebSocket, and send a message
	NotFound Kind = "notfound" // report with status 404
	Failure  Kind = "failure"  // report with status 500
	Headers  Kind = "headers"  // report with a header of LargeHeader bytes
)

// LargeHeader is the length of the header in responses to probes of the kind Headers, in bytes. The
// host itself sends up to 8000; many web servers take 4096 for the whole head by default.
const LargeHeader = 3000

// prefix begins the signed part of a path.
const prefix = "modgw-probe-"

// Token is the signed part of a probe's path.
type Token struct {
	ID   string // random, in hexadecimal digits
	Kind Kind   // one of the constants
}

// NewToken makes a token for a probe.
func NewToken(kind Kind) Token {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return Token{hex.EncodeToString(id), kind}
}

// Segment returns the token with its signature, as one segment of a path. It has small letters,
// digits and "-" alone, which no web server changes.
func (k Key) Segment(t Token) string {
	return prefix + t.ID + "-" + string(t.Kind) + "-" + k.signature(t)
}

func (k Key) signature(t Token) string {
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte(t.ID + "-" + string(t.Kind)))
	return hex.EncodeToString(mac.Sum(nil)[:20])
}

var segmentPattern = lazyregexp.New(`/` + prefix + `([0-9a-f]{16})-([a-z]+)-([0-9a-f]{40})(?:/|$)`)

// find returns the token in a path whose signature is the key's.
func (k Key) find(path string) (Token, bool) {
	m := segmentPattern.FindStringSubmatch(path)
	if m == nil {
		return Token{}, false
	}
	t := Token{m[1], Kind(m[2])}
	return t, hmac.Equal([]byte(m[3]), []byte(k.signature(t)))
}
