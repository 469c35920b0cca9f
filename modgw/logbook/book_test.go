package logbook

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// texts returns the messages that a query finds.
func texts(b *Book, q control.LogQuery) (found []string) {
	b.Read(context.Background(), q, func(r control.LogRecord) bool {
		found = append(found, r.Message)
		return true
	})
	return found
}

func TestKeptRecordsAreBoundedInBytes(t *testing.T) {
	b := New()
	b.add(control.LogRecord{App: "quiet", Message: "first"})
	for i := range 10_000 {
		b.add(control.LogRecord{App: "loud", Message: fmt.Sprint(i), Attrs: []control.LogAttr{{Key: "line", Value: strings.Repeat("x", 16<<10)}}})
	}
	if got := texts(b, control.LogQuery{App: "quiet"}); len(got) != 1 {
		t.Errorf("an app that logs much left %q of another one", got)
	}
	loud := texts(b, control.LogQuery{App: "loud"})
	if len(loud) == 0 || len(loud) > bytesPerApp>>14 || loud[len(loud)-1] != "9999" {
		t.Errorf("%d records are kept, the last being %q", len(loud), loud[len(loud)-1:])
	}
	for app := range 100 {
		for range 50 {
			b.add(control.LogRecord{App: modgw.AppName(fmt.Sprint(app)), Attrs: []control.LogAttr{{Value: strings.Repeat("x", 16<<10)}}})
		}
	}
	sum := 0
	for at := b.all.Front(); at != nil; at = at.Next() {
		sum += at.Value.(*entry).bytes
	}
	if sum != b.bytes || sum > bytesOfAll {
		t.Errorf("%d bytes are kept, counted as %d", sum, b.bytes)
	}
	if got := texts(b, control.LogQuery{App: "quiet"}); len(got) != 0 || len(b.byApp) > 50 {
		t.Errorf("the oldest records stay: %q, of %d apps", got, len(b.byApp))
	}
}

func TestRecordsOfATimeAreFound(t *testing.T) {
	b := New()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for minute := range 5 {
		b.add(control.LogRecord{Message: fmt.Sprint(minute), Time: noon.Add(time.Duration(minute) * time.Minute)})
	}
	for want, q := range map[string]control.LogQuery{
		"01234": {}, "234": {Since: noon.Add(2 * time.Minute)}, "01": {Until: noon.Add(2 * time.Minute)},
		"23": {Since: noon.Add(2 * time.Minute), Until: noon.Add(4 * time.Minute)},
		"4":  {Since: noon.Add(2 * time.Minute), Lines: 1},
	} {
		got := ""
		b.Read(t.Context(), q, func(r control.LogRecord) bool {
			got += r.Message
			return true
		})
		if got != want {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
}

func TestFollowersGetWhatIsKeptInOrder(t *testing.T) {
	b := New()
	b.add(control.LogRecord{Message: "before"})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan string)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Read(ctx, control.LogQuery{Follow: true}, func(r control.LogRecord) bool {
			got <- r.Message
			return true
		})
	}()
	if first := <-got; first != "before" {
		t.Errorf("got %q", first)
	}
	for i := range 100 {
		b.add(control.LogRecord{Message: fmt.Sprint(i)})
	}
	for i := range 100 {
		if next := <-got; next != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", next, i)
		}
	}
	cancel()
	<-ended
	if len(b.followers) != 0 {
		t.Error("a follower that has gone is still woken")
	}
}
