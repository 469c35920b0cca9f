package workers

import (
	"github.com/modgw/modgw/internal/addressfilter"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// filterAddresses lets the processes of a scope reach the addresses that the sandbox lists, where
// the host may. Elsewhere the rules of each process hold, which know ports alone.
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

// addressRules are the rules for endpoints. A name stands for all addresses: those that it has may
// change at any time, and who answers for it decides them.
func addressRules(network []modgw.Endpoint) []addressfilter.Rule {
	rules := make([]addressfilter.Rule, len(network))
	for i, e := range network {
		rules[i].Port = e.Port
		rules[i].To, _ = e.Prefix()
	}
	return rules
}

// logAttempt names something that a process tried and that was denied, with the setting that would
// allow it: whether the program says so or hides it.
func (s *Sandbox) logAttempt(a addressfilter.Attempt) {
	s.deny(s.config.Log, deniedEndpoint(a.To.String()))
}
