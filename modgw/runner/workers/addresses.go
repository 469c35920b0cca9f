package workers

import (
	"github.com/modgw/modgw/internal/addressfilter"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// filterAddresses restricts the processes of a scope to the addresses in the sandbox's list, if the
// host may do that. Otherwise the rules of each process apply, which only restrict ports.
func (s *Sandbox) filterAddresses(scope *proc.Scope) {
	if s == nil || s.learning != nil || networkOf(s.config.Descriptor.Sandbox) != sandbox.Listed {
		return
	}
	err := scope.Filter(addressRules(s.config.Descriptor.Sandbox.Network), s.logAttempt)
	s.filtered.Store(err == nil)
	if err != nil {
		s.config.Log.Debug("the sandbox grants ports at any address", "error", err)
	}
}

// lacksFilter reports whether the sandbox lists addresses that control groups do not hold processes
// to.
func (s *Sandbox) lacksFilter() bool {
	return s != nil && networkOf(s.config.Descriptor.Sandbox) == sandbox.Listed && !s.filtered.Load()
}

// addressRules returns the rules for endpoints. A name allows all addresses: its own may change at
// any time, and are decided by the name server.
func addressRules(network []modgw.Endpoint) []addressfilter.Rule {
	rules := make([]addressfilter.Rule, len(network))
	for i, e := range network {
		rules[i].Port = e.Port
		rules[i].To, _ = e.Prefix()
	}
	return rules
}

// logAttempt logs a denied connection attempt of a process, with the setting that would allow it,
// also if the program hides it.
func (s *Sandbox) logAttempt(a addressfilter.Attempt) {
	s.deny(s.config.Log, deniedEndpoint(a.To.String()))
}
