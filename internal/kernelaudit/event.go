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
			if r.denial.PID = e.owners[r.domain]; r.denial.PID == 0 {
				r.denial.PID = callers[r.serial]
			}
			if r.denial.PID > 0 {
				found = append(found, r.denial)
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

// wantsMore reports whether a record that names the process of a denial may still be on its way.
// Others are not kept waiting: a process that has ended is not found any more.
func (e *events) wantsMore(records []record) bool {
	return slices.ContainsFunc(records, func(r record) bool { return r.kind == typeAccess && e.owners[r.domain] == 0 })
}

func (e *events) remember(domain uint64, pid int) {
	if e.owners == nil || len(e.owners) >= maxDomains {
		e.owners = map[uint64]int{}
	}
	e.owners[domain] = pid
}
