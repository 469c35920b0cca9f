package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is a client that sends requests at a constant rate, however long the answers take, and
// keeps an account of every request: each has an ID that the app echoes and records.
type ledger struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	sent    int
	ok      int
	faults  []string // lost, not 200, or with a wrong body
	slowest time.Duration
}

// ledgerRate is the number of requests per second.
const ledgerRate = 40

func newLedger(url string) *ledger {
	return &ledger{url: url, client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 4},
	}}
}

// run sends requests until ctx is done, and returns when all have been answered.
func (l *ledger) run(ctx context.Context) {
	tick := time.NewTicker(time.Second / ledgerRate)
	defer tick.Stop()
	defer l.client.CloseIdleConnections()
	var flying sync.WaitGroup
	defer flying.Wait()
	for id := 1; ; id++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			flying.Go(func() { l.ask(id) })
		}
	}
}

// ask sends one request and books its end.
func (l *ledger) ask(id int) {
	began := time.Now()
	fault := l.answer(id)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.slowest = max(l.slowest, took)
	if fault == "" {
		l.ok++
		return
	}
	l.faults = append(l.faults, fmt.Sprintf("request %d after %s: %s", id, took, fault))
}

func (l *ledger) answer(id int) (fault string) {
	response, err := l.client.Get(fmt.Sprintf("%s?id=%d", l.url, id))
	if err != nil {
		return "lost: " + err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return "lost in the body: " + err.Error()
	case response.StatusCode != http.StatusOK:
		return fmt.Sprintf("status %d: %s", response.StatusCode, body)
	case !strings.HasPrefix(string(body), fmt.Sprintf("id=%d ", id)):
		return fmt.Sprintf("wrong body %q", body)
	}
	return ""
}

// answered returns the number of requests that were answered correctly.
func (l *ledger) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ok
}

// settle fails the test unless every request was answered correctly and executed once. executed is
// the file in which the app recorded the IDs.
func (l *ledger) settle(t *testing.T, executed string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fault := range l.faults {
		t.Error(fault)
	}
	text, err := os.ReadFile(executed)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for id := range strings.FieldsSeq(string(text)) {
		times[id]++
	}
	for id, n := range times {
		if n > 1 {
			t.Errorf("request %s was executed %d times", id, n)
		}
	}
	if len(times) < l.ok {
		t.Errorf("%d requests were answered, and %d executed", l.ok, len(times))
	}
	t.Logf("%d requests, %d answered, slowest %s", l.sent, l.ok, l.slowest.Round(time.Millisecond))
}
