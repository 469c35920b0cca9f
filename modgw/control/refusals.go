package control

import (
	"cmp"
	"net/http"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// maxRefusals is how many refusals of a user are written down in refusalsInterval: the audit
	// log is bounded, and a user who is refused must not push out what others did.
	maxRefusals      = 60
	refusalsInterval = time.Minute

	// maxRefusedName is how many bytes of the name of an app are written down that need not exist.
	maxRefusedName = 100
)

// refusals counts what users were refused lately. The zero value is ready to use.
type refusals struct {
	mu    sync.Mutex
	users map[uint32]refusalCount
}

// refusalCount says how often a user was refused something in an interval.
type refusalCount struct {
	count int
	ends  time.Time // when the interval is over
}

// admit counts a refusal, and reports whether it is to be written down. last says that no more of
// the user are until the interval ends.
func (r *refusals) admit(uid uint32, now time.Time) (admitted, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, of := range r.users {
		if !now.Before(of.ends) {
			delete(r.users, other)
		}
	}
	if r.users == nil {
		r.users = map[uint32]refusalCount{}
	}
	of := r.users[uid]
	if of.count == 0 {
		of.ends = now.Add(refusalsInterval)
	}
	of.count++
	r.users[uid] = of
	return of.count <= maxRefusals, of.count == maxRefusals
}

// reads notes who asks about an app that is not the caller's, or not there. What the answer says of
// it is up to next.
func (s *Server) reads(verb string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		app := modgw.AppName(cmp.Or(r.PathValue("app"), r.URL.Query().Get("app")))
		if who := callerOf(r.Context()); app != "" && !s.maySee(who, app) {
			action := s.actionOf(r, verb)
			action.App, action.Result = app, "refused"
			action.Error = firstLine(modgw.UnknownApp(shorten(app)).Error())
			s.write(action)
		}
		next(w, r)
	}
}

// shorten leaves so much of a name that a caller has made up as is written down.
func shorten(app modgw.AppName) modgw.AppName {
	return app[:min(len(app), maxRefusedName)]
}
