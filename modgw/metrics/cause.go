package metrics

import (
	"strings"

	"github.com/modgw/modgw/modgw"
)

// cause describes, for labels, why a request failed.
type cause struct {
	name     string
	rejected bool // no worker got the request
}

// causes maps the codes of faults, and ClientGone, to causes.
var causes = map[string]cause{
	modgw.ClientGone: {"client_gone", false},

	"MGW-APP-008": {"worker_ended", false},
	"MGW-APP-009": {"timeout", false},
	"MGW-APP-010": {"queue_full", true},
	"MGW-APP-011": {"no_worker", true},
	"MGW-APP-012": {"stopping", true},
	"MGW-APP-013": {"app_failed", false},
	"MGW-APP-014": {"bad_response", false},
	"MGW-APP-015": {"body_too_large", true},
	"MGW-APP-016": {"body_incomplete", false},
	"MGW-APP-017": {"head_too_large", true},
	"MGW-APP-024": {"body_not_kept", true},
	"MGW-APP-025": {"disk_full", true},
	"MGW-APP-101": {"stopped", true},
	"MGW-APP-102": {"starting_queue_full", true},
	"MGW-APP-103": {"client_gone", false},
	"MGW-APP-104": {"starting_too_long", true},
	"MGW-REQ-101": {"bad_path", true},
	"MGW-REQ-102": {"unknown_app", true},
	"MGW-REQ-103": {"no_app", true},
	"MGW-REQ-106": {"no_authorizer", true},
}

// causeOf returns the cause for a code. A code without a named cause has a name derived from the
// code; a code in a group that refuses requests counts as a rejection.
func causeOf(code string) cause {
	if c, ok := causes[code]; ok {
		return c
	}
	name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(code, "MGW-"), "-", "_"))
	return cause{name, strings.HasPrefix(code, "MGW-REQ-")}
}
