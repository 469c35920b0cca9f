package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"
)

// LinkLife is the time for which an unused link is valid.
const LinkLife = 5 * time.Minute

const (
	sessionLife  = 24 * time.Hour // of a session, however much it is used
	sessionPause = 8 * time.Hour  // that a session may be unused

	mostTokens   = 16 // of a user; more make the oldest useless
	mostSessions = 16 // of a user, too
)

// secretSum is the hash of a browser's secret. Only the hash is kept.
type secretSum [sha256.Size]byte

func newSecret() string {
	text := make([]byte, 32)
	rand.Read(text) // never fails
	return hex.EncodeToString(text)
}

func sumOf(secret string) secretSum { return sha256.Sum256([]byte(secret)) }

// session is the access of a browser.
type session struct {
	id      string // in the path of its pages
	uid     uint32 // user with whose rights it acts
	cookie  secretSum
	form    string // value that its forms must send
	expires time.Time
	used    time.Time
	streams limit
}

// end returns the time until which the session is valid if it is not used before then.
func (s *session) end() time.Time {
	if pause := s.used.Add(sessionPause); pause.Before(s.expires) {
		return pause
	}
	return s.expires
}

// token is an unused link.
type token struct {
	uid     uint32
	expires time.Time
}

// sessions holds the browsers that have access, and the unused links. They are only in memory: a
// restart of the host ends all of them.
type sessions struct {
	key []byte // key that derives the form values of users without a session

	mu     sync.Mutex
	tokens map[secretSum]token
	byID   map[string]*session
}

func newSessions() *sessions {
	return &sessions{key: []byte(newSecret()), tokens: map[secretSum]token{}, byID: map[string]*session{}}
}

// newToken returns a token that gives one browser access.
func (s *sessions) newToken(uid uint32) (secret string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired()
	dropOldest(s.tokens, mostTokens, func(t token) (bool, time.Time) { return t.uid == uid, t.expires })
	secret, expires = newSecret(), time.Now().Add(LinkLife)
	s.tokens[sumOf(secret)] = token{uid, expires}
	return secret, expires
}

// enter creates a session for a token, which is not valid afterwards. It returns nil if the token
// is not valid.
func (s *sessions) enter(secret string) (opened *session, cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired()
	t, ok := s.tokens[sumOf(secret)]
	if !ok {
		return nil, ""
	}
	delete(s.tokens, sumOf(secret))
	dropOldest(s.byID, mostSessions, func(o *session) (bool, time.Time) { return o.uid == t.uid, o.used })
	cookie = newSecret()
	now := time.Now()
	opened = &session{
		id: newSecret()[:32], uid: t.uid, cookie: sumOf(cookie), form: newSecret(),
		expires: now.Add(sessionLife), used: now, streams: limit{most: mostStreamsOfSession},
	}
	s.byID[opened.id] = opened
	return opened, cookie
}

// find returns the session with an ID whose cookie is right, or nil if there is none.
func (s *sessions) find(id, cookie string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired()
	found := s.byID[id]
	sum := sumOf(cookie)
	if found == nil || subtle.ConstantTimeCompare(found.cookie[:], sum[:]) != 1 {
		return nil
	}
	found.used = time.Now()
	return found
}

// isOpen reports whether a session has not ended. It counts as a use: its page is open.
func (s *sessions) isOpen(o *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired()
	if s.byID[o.id] != o {
		return false
	}
	o.used = time.Now()
	return true
}

// leave ends a session.
func (s *sessions) leave(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// end returns the time when the last session or token expires; zero: there is none.
func (s *sessions) end() (last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropExpired()
	for _, t := range s.tokens {
		if t.expires.After(last) {
			last = t.expires
		}
	}
	for _, o := range s.byID {
		if o.end().After(last) {
			last = o.end()
		}
	}
	return last
}

// dropExpired removes expired tokens and sessions. The caller must hold the mutex.
func (s *sessions) dropExpired() {
	now := time.Now()
	for sum, t := range s.tokens {
		if now.After(t.expires) {
			delete(s.tokens, sum)
		}
	}
	for id, o := range s.byID {
		if now.After(o.end()) {
			delete(s.byID, id)
		}
	}
}

// dropOldest makes room for one more of the elements that count, whose number is limited to most.
func dropOldest[K comparable, V any](all map[K]V, most int, of func(V) (counts bool, at time.Time)) {
	var oldest K
	var first time.Time
	count := 0
	for key, value := range all {
		counts, at := of(value)
		if !counts {
			continue
		}
		if count++; count == 1 || at.Before(first) {
			oldest, first = key, at
		}
	}
	if count >= most {
		delete(all, oldest)
	}
}
