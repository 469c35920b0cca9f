package doctor

import (
	"slices"
)

// verdict is the result of a probe for one code at one place.
type verdict struct {
	place *place
	code  string
	wrong *Finding // nil: it is as it should be
}

// decided lists the codes for which a passed probe outweighs the directives.
var decided = []string{
	"MGW-DOC-001", "MGW-DOC-002", "MGW-DOC-003", "MGW-DOC-004", "MGW-DOC-005", "MGW-DOC-006", "MGW-DOC-007", "MGW-DOC-008",
	"MGW-DOC-013", "MGW-DOC-016", "MGW-DOC-025",
}

// merge joins the findings of the configuration with the results of probes. A probe that passed
// outweighs a directive that seems to be missing. A probe that failed is a finding of its own only
// if the configuration does not explain it.
func merge(found []Finding, verdicts []verdict) []Finding {
	type about struct {
		code string
		app  string
	}
	wrong, fine := map[about]bool{}, map[about]bool{}
	for _, v := range verdicts {
		key := about{v.code, string(v.place.app.Name)}
		if v.wrong != nil {
			wrong[key] = true
		} else {
			fine[key] = true
		}
	}
	kept := slices.DeleteFunc(found, func(f Finding) bool {
		key := about{f.Code, string(f.App)}
		return f.App != "" && slices.Contains(decided, f.Code) && fine[key] && !wrong[key]
	})
	for _, v := range verdicts {
		if v.wrong == nil || explained(kept, *v.wrong) {
			continue
		}
		kept = append(kept, *v.wrong)
	}
	return kept
}

// consequences are codes that explain why a probe failed in another way.
var consequences = map[string][]string{
	"MGW-DOC-033": {"MGW-DOC-036"},
	"MGW-DOC-034": {"MGW-DOC-018", "MGW-DOC-023", "MGW-DOC-025", "MGW-DOC-031", "MGW-DOC-032", "MGW-DOC-035", "MGW-DOC-037", "MGW-DOC-040",
		"MGW-DOC-045", "MGW-DOC-058", "MGW-DOC-060", "MGW-DOC-061", "MGW-DOC-012", "MGW-DOC-028", "MGW-DOC-011"},
	"MGW-DOC-001": {"MGW-DOC-012"},
	"MGW-DOC-012": {"MGW-DOC-023", "MGW-DOC-026"},
	"MGW-DOC-019": {"MGW-DOC-043", "MGW-DOC-009"},
	"MGW-DOC-020": {"MGW-DOC-009"},
	"MGW-DOC-032": {"MGW-DOC-018", "MGW-DOC-023"},
}

// explained reports whether another finding explains why a probe failed.
func explained(found []Finding, f Finding) bool {
	return slices.ContainsFunc(found, func(k Finding) bool {
		if k.App != "" && k.App != f.App {
			return false
		}
		return k.Code == f.Code || slices.Contains(consequences[f.Code], k.Code)
	})
}
