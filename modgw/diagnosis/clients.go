package diagnosis

import (
	"fmt"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw/meter"
)

const (
	// greedyShare is the share of the requests from which on a client counts as greedy.
	greedyShare = 0.6

	// slowShare is the share of the responses from which on clients count as slow.
	slowShare = 0.3
)

// greedy describes the client that sends most of the requests if others send some, too; "": there
// is no such client.
func (a *App) greedy() string {
	c := a.Client
	if c.Share < greedyShare || c.Alone {
		return ""
	}
	text := "one client, " + c.Address
	if c.Agent != "" {
		text += " with the user agent " + strconv.Quote(c.Agent)
	}
	return fmt.Sprintf("%s, sends %.0f %% of the requests", text, 100*min(c.Share, 1))
}

// greedyClient is about one client, such as a crawler, that leaves little for others.
func greedyClient(a *App) *Diagnosis {
	text := a.greedy()
	if text == "" || a.Runner.Queued == 0 && a.refusals() == "" {
		return nil
	}
	return a.addPressure(&Diagnosis{"greedy_client", Warning, text,
		"bound it in the web server in front, or in robots.txt if it is a crawler that obeys"})
}

// slowClients is about clients for which responses wait.
func slowClients(a *App) *Diagnosis {
	base, ok := a.base()
	last := a.last()
	slow, all := last.Slow-base.Slow, last.Requests-base.Requests
	if !ok || slow < 3 || float64(slow) < slowShare*float64(all) {
		return nil
	}
	average := (last.SlowFor - base.SlowFor) / time.Duration(slow)
	d := &Diagnosis{"slow_clients", Notice, fmt.Sprintf(
		"slow clients: %d of the last %d responses waited for their client for more than %d s after the app was done, %.1f s on average",
		slow, all, int(meter.SlowClient.Seconds()), average.Seconds()),
		"spool { response } keeps what slow clients have not taken, so that no worker waits for them"}
	if a.isPressed() {
		d.Severity = Warning
	}
	return d
}

// largeBodies is about uploads that are refused for their size.
func largeBodies(a *App) *Diagnosis {
	base, ok := a.base()
	last := a.last()
	n := last.TooLarge - base.TooLarge
	if !ok || n == 0 {
		return nil
	}
	return &Diagnosis{"body_too_large", Warning, fmt.Sprintf("%s refused in %s%s: their bodies are larger than limits { body }, %s",
		requests(n), roughly(last.Time.Sub(base.Time)), share(n, last.Requests-base.Requests), mebibytes(a.BodyMax)),
		"raise limits { body } if such uploads are meant to be"}
}

// mebibytes formats a size in the units of descriptors.
func mebibytes(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
