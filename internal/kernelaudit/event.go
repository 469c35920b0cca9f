package kernelaudit

import "slices"

// maxDomains is how many domains of Landlock are remembered. The kernel tells when one has ended;
// more of them than processes would mean that it did not get through.
const maxDomains = 1 << 16

// events make denials of records. The zero value is ready to use.
type events struct {
	owners map[uint64]int // processes that have made domains, by the id of the domain
}

// denials are what the records tell that came together. An event may have several, of which the one
// that names the process is not the first.
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

// wantsMore reports whether a record that names the process of a denial may still be on its way:
// that of the call comes last. Once the owner of the domain is known, none is waited for.
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
