package kernelaudit

import "slices"

// maxDomains is the maximum number of Landlock domains that are remembered. The kernel reports the
// end of a domain; more domains than processes would mean that such reports were lost.
const maxDomains = 1 << 16

// events converts records to denials. The zero value is ready to use.
type events struct {
	owners map[uint64]int // processes that have made domains, by the id of the domain
}

// denials returns the denials in records that arrived together. An event may consist of several
// records, and the record that names the process is not the first.
func (e *events) denials(records []record) []Denial {
	callers := map[string]int{}
	for _, r := range records {
		switch r.kind {
		case typeCall:
			callers[r.serial] = r.denial.PID
		case typeDomain:
			if !r.ended {
				e.remember(r.domain, r.denial.PID)
			}
		}
	}
	var found []Denial
	for _, r := range records {
		switch r.kind {
		case typeSeccomp:
			found = append(found, r.denial)
		case typeAccess:
			d := r.denial
			d.Domain, d.Owner = r.domain, e.owners[r.domain]
			if d.isOfCaller() {
				d.PID = callers[r.serial]
			}
			if d.PID > 0 || d.Owner > 0 {
				found = append(found, d)
			}
		}
	}
	for _, r := range records {
		if r.kind == typeDomain && r.ended {
			delete(e.owners, r.domain)
		}
	}
	return found
}

// isOfCaller reports whether the process that made the system call is the confined one. A file
// signals in the name of the process that asked for it, also when another writes to the file, and a
// child may ask its parent to trace it.
func (d *Denial) isOfCaller() bool { return d.Kind != Signal && d.Kind != Trace }

// wantsMore reports whether a record that names the process of a denial may still arrive: the
// record of the system call comes last. If the owner of the domain is known, no such record is
// needed.
func (e *events) wantsMore(records []record) bool {
	calls := map[string]bool{}
	for _, r := range records {
		if r.kind == typeCall {
			calls[r.serial] = true
		}
	}
	return slices.ContainsFunc(records, func(r record) bool {
		return r.kind == typeAccess && e.owners[r.domain] == 0 && !calls[r.serial]
	})
}

func (e *events) remember(domain uint64, pid int) {
	if e.owners == nil || len(e.owners) >= maxDomains {
		e.owners = map[uint64]int{}
	}
	e.owners[domain] = pid
}
