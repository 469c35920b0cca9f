package control

import (
	"errors"
	"net/http"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/diagnosis"
)

var (
	errNotUnix = errors.New("cannot tell who connects: it is no Unix socket")
	errTooMany = errors.New("cannot let a user have more connections at once")
)

// Rights determine the users' rights on the control socket. Administrators may see and do
// everything; other users may see and change only their own apps.
type Rights interface {
	// IsAdmin reports whether a user is an administrator.
	IsAdmin(uid uint32) bool

	// Owns reports whether an app runs as a user, or the user's own descriptor describes it.
	Owns(uid uint32, app modgw.AppName) bool

	// UserName returns the login name of a user, or the number if the user has no name.
	UserName(uid uint32) string
}

// maySee reports whether a caller may know about an app.
func (s *Server) maySee(who caller, app modgw.AppName) bool {
	return who.admin || app != "" && s.Host.Owns(who.uid, app)
}

// statusFor returns the part of the status that the caller may see.
func (s *Server) statusFor(who caller) Status {
	status := s.Host.Status()
	if who.admin {
		return status
	}
	name := s.Host.UserName(who.uid)
	status.Apps = slices.DeleteFunc(status.Apps, func(a AppStatus) bool { return !s.maySee(who, a.App) })
	status.Broken = slices.DeleteFunc(status.Broken, func(f BrokenFile) bool { return f.Owner != name })
	status.Diagnosis = nil
	for _, f := range status.Broken {
		status.Diagnosis = diagnosis.Worse(status.Diagnosis, f.Diagnosis)
	}
	return status
}

func (s *Server) descriptorsFor(who caller) []modgw.Descriptor {
	return slices.DeleteFunc(s.Host.Descriptors(), func(d modgw.Descriptor) bool { return !s.maySee(who, d.Name) })
}

func (s *Server) claimsFor(who caller) []claims.Claim {
	return slices.DeleteFunc(s.Host.Claims(), func(c claims.Claim) bool { return !s.maySee(who, c.App) })
}

// policyFor returns the policy with only the caller's own tenant block.
func (s *Server) policyFor(who caller) Policy {
	policy := s.Host.Policy()
	if who.admin {
		return policy
	}
	name := s.Host.UserName(who.uid)
	policy.Admins = nil
	policy.Tenants = slices.DeleteFunc(policy.Tenants, func(t TenantPolicy) bool { return t.User != name })
	return policy
}

// adminsOnly refuses callers who are not administrators.
func (s *Server) adminsOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !callerOf(r.Context()).admin {
			refuse(w, &modgw.Fault{
				Code:    "MGW-HST-027",
				Summary: "cannot do that for a user who is no administrator of the host",
				Hint:    "name an app that runs as you, or ask an administrator: root, and whom admins in the control block names",
			})
			return
		}
		next(w, r)
	}
}

// ownersOnly refuses requests about an app that does not belong to the caller, as if the app did
// not exist.
func (s *Server) ownersOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		app := modgw.AppName(r.PathValue("app"))
		if !s.maySee(callerOf(r.Context()), app) {
			refuse(w, modgw.UnknownApp(app))
			return
		}
		next(w, r)
	}
}
