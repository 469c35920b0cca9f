package logbook

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
)

// TestLogOfATenantCountsForItAndDisplacesNoOthers has a tenant with a small disk whose app logs
// much more than it may, and another app that logs one record.
func TestLogOfATenantCountsForItAndDisplacesNoOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	var said watchtest.Log
	log := slog.New(slog.NewTextHandler(&said, nil))
	began := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	open := func() *Archives {
		a, err := OpenArchives(dir, began, log)
		if err != nil {
			t.Fatal(err)
		}
		a.Bound(
			[]claims.Claim{{App: "noisy", Owner: "games"}, {App: "quiet", Owner: "shop"}},
			[]modgw.Tenant{{User: "games", Disk: 4 << 20}, {User: "shop"}},
		)
		return a
	}
	a := open()
	record := func(app modgw.AppName, text string, minutes int) control.LogRecord {
		return control.LogRecord{Time: began.Add(time.Duration(minutes) * time.Minute), Level: "INFO", App: app, Message: text}
	}
	const records, size = 200, 4 << 10
	a.add(1, record("quiet", "the first", 0))
	for n := range records {
		a.add(uint64(n+2), record("noisy", fmt.Sprint(n, " ", strings.Repeat("x", size)), n+1))
	}
	a.add(records+2, record("", "the last", records+1))
	a.Close()

	a = open()
	defer a.Close()
	const most = 4 << 20 / tenantShare
	if used := a.Used("games"); used > most || used < most/2 {
		t.Errorf("%d bytes of at most %d", used, most)
	}
	if sizes := a.Sizes(); sizes["noisy"] != a.Used("games") || sizes["quiet"] == 0 || a.Used("shop") != 0 {
		t.Errorf("%v, %d, %d", sizes, a.Used("games"), a.Used("shop"))
	}
	none := func(uint64) bool { return false }
	found := a.find(control.LogQuery{}, none)
	texts := make([]string, len(found))
	for i, r := range found {
		texts[i], _, _ = strings.Cut(r.Message, " x")
	}
	all := strings.Join(texts, " ")
	if !strings.HasPrefix(all, "the first ") || !strings.HasSuffix(all, fmt.Sprint(records-2, " ", records-1, " the last")) {
		t.Errorf("%s", all)
	}
	if last := a.find(control.LogQuery{Lines: 2}, none); len(last) != 2 || last[1].Message != "the last" {
		t.Errorf("%v", last)
	}
	if n := said.Count("oldest log records of a tenant removed"); n != 1 {
		t.Errorf("it was said %d times that records were removed:\n%s", n, said.String())
	}
}

func TestArchiveThatMayHaveLessRemovesTheOldestFiles(t *testing.T) {
	t.Parallel()
	a, err := openArchive(filepath.Join(t.TempDir(), "log"), time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	line := []byte(strings.Repeat("x", 99) + "\n")
	write := func(most int64) {
		t.Helper()
		a.most.Store(most)
		for range 100 {
			if n, err := a.Write(line); n != len(line) || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	write(1000)
	write(200)
	if got := a.bytes(); got > 200*archiveFiles || got < 200 {
		t.Errorf("%d bytes", got)
	}
}
