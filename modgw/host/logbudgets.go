package host

import (
	"time"

	"github.com/modgw/modgw/internal/logbudget"
	"github.com/modgw/modgw/modgw"
)

// logBudgets bound what is logged: of each kind of record of the host and of each app, so that
// clients and workers that provoke one kind without end hide no other; and of what an app prints,
// by all its processes together.
var logBudgets = logbudget.Config{
	Limit: logbudget.Limit{Records: 200, Bytes: 1 << 20, Per: 10 * time.Second},
	Others: map[string]logbudget.Limit{
		modgw.AppLine: {Records: 2000, Bytes: 1 << 20, Per: time.Second},
	},
}
