package control

import (
	"cmp"
	"net/http"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// maxRefusals is the maximum number of refusals of a user that are logged per refusalsInterval:
	// the audit log is bounded, and a user who is refused must not displace the actions of others.
	maxRefusals      = 60
	refusalsInterval = time.Minute

	// maxRefusedName is the number of bytes that are logged of an app's name, which need not exist.
	maxRefusedName = 100
)

// refusals counts the recent refusals of users. The zero value is ready to use.
type refusals struct {
	mu    sync.Mutex
	users map[uint32]refusalCount
}

// refusalCount counts the refusals of a user in an interval.
type refusalCount struct {
	count int
	ends  time.Time // when the interval is over
}

// admit counts a refusal, and reports whether it should be logged. last reports whether it is the
// last one of the user to be logged in the interval.
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

// reads logs requests about an app that does not exist or does not belong to the caller. next
// decides about the answer.
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

// shorten cuts a name that a caller has made up to the length that is logged.
func shorten(app modgw.AppName) modgw.AppName {
	return app[:min(len(app), maxRefusedName)]
}
