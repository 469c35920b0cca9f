package python

import (
	"encoding/json"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// exceptions are what a worker said in detail of an exception, without the descriptor's secrets; nil when it is not to be
// understood.
func exceptions(details string, secrets []string) []modgw.Exception {
	if details == "" {
		return nil
	}
	var found []modgw.Exception
	if err := json.Unmarshal([]byte(modgw.RedactString(details, secrets)), &found); err != nil {
		return nil // the traceback as text tells enough
	}
	for i := range found {
		found[i].Message = proc.Printable(found[i].Message)
	}
	return found
}
