package diagnosis

import (
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// Severity is the severity of a diagnosis for the users of an app.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // requests fail
	Warning  Severity = "warning"  // requests are answered; something needs attention
	Notice   Severity = "notice"   // it is meant to be so, or ends by itself
)

// Diagnosis describes a problem of an app.
type Diagnosis struct {
	Cause    string   `json:"cause"`    // one of a bounded number of names, such as "queue_full"
	Severity Severity `json:"severity"` // how bad it is
	Sentence string   `json:"sentence"` // the cause with figures, on one line
	Hint     string   `json:"hint"`     // advice; "": none
}

// App holds the known facts about an app.
type App struct {
	modgw.AppStatus

	Now      time.Time // when the status was taken
	Mistake  bool      // Failure is about its descriptor
	QueueMax int       // maximum number of waiting requests; 0: unknown
	BodyMax  int64     // maximum length of a request's body in bytes; 0: unknown

	// Client is the client that has recently sent most of the requests; the zero value: none is
	// known.
	Client meter.Client

	// WatchDegraded names the files that cannot be watched; "": none.
	WatchDegraded string

	// WorkerEnd is the reason why a worker ended last, or could not start; "": unknown. WorkerEnds
	// are the known times of such ends, the latest last.
	WorkerEnd  string
	WorkerEnds []time.Time

	// FailingError is the log's message about the last request that failed; "": none.
	FailingError string

	// Interrupted is the place of the last request that was ended at its time limit, such as
	// "views.py line 7"; "": unknown.
	Interrupted string

	// Places are the places of the requests that workers execute. It is empty if there is no
	// problem, and if the places are unknown.
	Places []modgw.Location

	// Silent are the numbers of workers that did not report where their requests are, Stopped the
	// numbers of workers whose process was stopped, and InKernel the numbers of workers with a
	// thread that cannot be interrupted. They are empty if there is no problem.
	Silent, Stopped, InKernel []int

	// Samples are figures of the app, oldest first. The last sample was taken at Now.
	Samples []Sample
}

// rules determine the causes, beginning with the one that explains most: an app whose workers end
// again and again also refuses requests.
var rules = []func(*App) *Diagnosis{
	stopped, brokenDescriptor, diskFullForPackages, missingPackage, startupTimeout, failedDeploy,
	outOfMemory, crashLoop, diskFull, blockedLoop, silentWorkers, lockBound, waitingRequests,
	processorBound, greedyClient, unanswered, queueFull, allBusy, workerCrashed, timeouts, failingRequests, largeBodies,
	memoryGrows, slowClients, watchDegraded, starting,
}

// Of returns the diagnosis of an app, or nil if no problem is known.
func Of(app App) *Diagnosis {
	for _, rule := range rules {
		if d := rule(&app); d != nil {
			return d
		}
	}
	return nil
}
