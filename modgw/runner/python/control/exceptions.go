package control

import (
	"encoding/json"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Exceptions decodes the details of an exception, in JSON as a worker sends them, without the
// descriptor's secrets. nil: they cannot be decoded, or there are none.
func Exceptions(details string, secrets []string) []modgw.Exception {
	if details == "" {
		return nil
	}
	var found []modgw.Exception
	if err := json.Unmarshal([]byte(modgw.RedactString(details, secrets)), &found); err != nil {
		return nil // the traceback is also there as text
	}
	for i := range found {
		found[i].Message = proc.Printable(found[i].Message)
	}
	return found
}
