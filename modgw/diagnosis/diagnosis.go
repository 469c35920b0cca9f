package diagnosis

import (
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// Severity says how bad it is for those who use an app.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // requests fail
	Warning  Severity = "warning"  // requests are answered; something needs attention
	Notice   Severity = "notice"   // it is meant to be so, or ends by itself
)

// Diagnosis says why an app is not well.
type Diagnosis struct {
	Cause    string   `json:"cause"`    // one of a bounded number of names, such as "queue_full"
	Severity Severity `json:"severity"` // how bad it is
	Sentence string   `json:"sentence"` // the cause with figures, on one line
	Hint     string   `json:"hint"`     // advice; "": none
}

// App is what is known of an app.
type App struct {
	modgw.AppStatus

	Now      time.Time // when the status was taken
	Mistake  bool      // Failure is about its descriptor
	QueueMax int       // how many requests may wait; 0: unknown
	BodyMax  int64     // how many bytes the body of a request may have; 0: unknown

	// Client is the one that has sent most of the requests of late; its zero value: none is known.
	Client meter.Client

	// WatchDegraded says which files cannot be watched; "": none.
	WatchDegraded string

	// WorkerEnd says why a worker ended last, or could not start; "": that is unknown. WorkerEnds
	// are the times when that happened, as far as they are known, the latest last.
	WorkerEnd  string
	WorkerEnds []time.Time

	// FailingError is what the log says of the last request that failed; "": nothing.
	FailingError string

	// Interrupted is where the request was that was ended last at its time limit, such as "views.py
	// line 7"; "": unknown.
	Interrupted string

	// Places are where requests are that workers execute. It is empty where nothing is wrong, and
	// where that is unknown.
	Places []modgw.Location

	// Silent are the numbers of workers that did not say where their requests are, Stopped those of
	// workers whose process was stopped, and InKernel those of workers with a thread that cannot be
	// interrupted. They are empty where nothing is wrong.
	Silent, Stopped, InKernel []int

	// Samples are figures of the app, oldest first. The last one is of Now.
	Samples []Sample
}

// rules are the causes that are looked for, the one that explains most first: an app whose workers
// end again and again also refuses requests.
var rules = []func(*App) *Diagnosis{
	stopped, brokenDescriptor, diskFullForPackages, missingPackage, startupTimeout, failedDeploy,
	outOfMemory, crashLoop, diskFull, blockedLoop, silentWorkers, lockBound, waitingRequests,
	processorBound, greedyClient, unanswered, queueFull, allBusy, workerCrashed, timeouts, failingRequests, largeBodies,
	memoryGrows, slowClients, watchDegraded, starting,
}

// Of says why an app is not well; nil: nothing is known to be wrong.
func Of(app App) *Diagnosis {
	for _, rule := range rules {
		if d := rule(&app); d != nil {
			return d
		}
	}
	return nil
}
