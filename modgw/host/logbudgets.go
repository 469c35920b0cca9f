package host

import (
	"time"

	"github.com/modgw/modgw/internal/logbudget"
	"github.com/modgw/modgw/modgw"
)

// logBudgets limit the log: each kind of record of the host and of each app, so that clients and
// workers that provoke one kind endlessly hide no other; and the output of all of an app's
// processes together.
var logBudgets = logbudget.Config{
	Limit: logbudget.Limit{Records: 200, Bytes: 1 << 20, Per: 10 * time.Second},
	Others: map[string]logbudget.Limit{
		modgw.AppLine: {Records: 2000, Bytes: 1 << 20, Per: time.Second},
	},
}
