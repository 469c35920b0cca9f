package logbook

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/control"
)

// runOfTheHost logs records with these texts, a minute apart, as a run of the host does that began
// at a time.
func runOfTheHost(t *testing.T, dir string, began time.Time, most int64, texts ...string) *Book {
	t.Helper()
	a, err := OpenArchives(dir, began, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.host.most.Store(most)
	b := New()
	b.add(logged(began, texts[0])) // before it was kept
	b.KeepIn(a)
	for i, text := range texts[1:] {
		b.add(logged(began.Add(time.Duration(i+1)*time.Minute), text))
	}
	a.host.queue.Close(time.Minute)
	return b
}

// logged returns a record whose text contains its level, app and request.
func logged(at time.Time, text string) control.LogRecord {
	fields := strings.Fields(text)
	return control.LogRecord{
		Time: at, Level: fields[0], App: "shop", Message: text,
		Attrs: []control.LogAttr{{Key: "request", Value: fields[1]}},
	}
}

func TestLogsReachBackOverRestartsOfTheHost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	began := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	runOfTheHost(t, dir, began, archiveSize, "INFO r1 a", "WARN r2 b", "ERROR r3 c")
	b := runOfTheHost(t, dir, began.Add(time.Hour), archiveSize, "INFO r4 d", "ERROR r2 e")
	warn := slog.LevelWarn
	for name, c := range map[string]struct {
		query control.LogQuery
		want  string
	}{
		"all":                    {control.LogQuery{}, "a b c d e"},
		"the last":               {control.LogQuery{Lines: 3}, "c d e"},
		"the last of this run":   {control.LogQuery{Lines: 2}, "d e"},
		"of a request":           {control.LogQuery{Request: "r2"}, "b e"},
		"of a level":             {control.LogQuery{Level: &warn}, "b c e"},
		"from a time on":         {control.LogQuery{Since: began.Add(time.Minute)}, "b c d e"},
		"between times":          {control.LogQuery{Since: began, Until: began.Add(2 * time.Minute)}, "a b"},
		"the last before a time": {control.LogQuery{Until: began.Add(time.Hour), Lines: 1}, "c"},
		"of another app":         {control.LogQuery{App: "blog"}, ""},
	} {
		var found []string
		for _, text := range texts(b, c.query) {
			found = append(found, text[len(text)-1:])
		}
		if got := strings.Join(found, " "); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestArchiveOfTheLogIsBoundedAndSurvivesHalfALine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	began := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	const most = 4 << 10
	for run := range 2 * archiveFiles {
		at := began.Add(time.Duration(run) * time.Hour)
		runOfTheHost(t, dir, at, most, fmt.Sprint("INFO r", run), "INFO x "+strings.Repeat("x", most/2))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) > archiveFiles {
		t.Errorf("%q %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > most || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	file, err := os.OpenFile(filepath.Join(dir, "records.json"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"run":1,"n":`); err != nil {
		t.Fatal(err)
	}
	file.Close()
	b := runOfTheHost(t, dir, began.Add(100*time.Hour), archiveSize, "INFO first", "INFO last")
	found := texts(b, control.LogQuery{Request: fmt.Sprint("r", 2*archiveFiles-1)})
	all := texts(b, control.LogQuery{})
	if len(found) != 1 || !slices.Contains(all, "INFO first") || !slices.Contains(all, "INFO last") {
		t.Errorf("%q %q", found, all)
	}
}

func TestSizesOfTheKeptLogAreThoseOfItsFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	const most = 300 // bytes of a file, so that each run has one
	for _, text := range []string{"INFO r1 a", `INFO r2 "app":"other"`, "INFO r3 c"} {
		runOfTheHost(t, dir, time.Now(), most, text, text, text)
	}
	var all int64
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		all += info.Size()
	}
	if got := (&archive{dir: dir}).sizes(); len(got) != 1 || got["shop"] != all || all == 0 {
		t.Errorf("%v of %d bytes", got, all)
	}
}
