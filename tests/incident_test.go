package tests

import (
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestYesterdaysIncidentIsFoundAsTheManualSays runs the commands of docs/logs.md against a host and
// against the files that its log was rotated into.
func TestYesterdaysIncidentIsFoundAsTheManualSays(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), "## Find yesterday's incident")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := regexp.MustCompile(`(?m)^ +\$ (.+)$`).FindAllStringSubmatch(section, -1)
	if len(commands) < 6 {
		t.Fatalf("the page has only %q", commands)
	}

	s := newSite(t)
	s.write("apps/blog/app.wsgi", "def application(environ, start_response):\n    raise ValueError('the cause')\n")
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  wsgi { entry = \"app.wsgi\" }\n}\n")
	s.start()
	begin := time.Now()
	response, err := impatient.Get(s.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	id := response.Header.Get("X-Request-Id")
	if status := s.mustRun("status", "blog", "-c", "modgw.hcl"); !strings.Contains(status, "1 request failed in 10 min") ||
		!strings.Contains(status, "logs --id "+id) {
		t.Errorf("status says %q", status)
	}
	folder := t.TempDir()
	rotate(t, s.log.String(), folder)
	at := regexp.MustCompile(`(?m)^(\S{15})\S* +blog .*` + id).FindStringSubmatch(s.log.String())
	if at == nil {
		t.Fatalf("no record has %s:\n%s", id, s.log)
	}
	var ran int
	for _, m := range commands {
		line := strings.NewReplacer("2qtsam82scl0j", id, "/var/log/", folder+"/", "2026-11-26T14:3", at[1],
			"2026-11-26 14:25", begin.Add(-time.Minute).Format(time.RFC3339), "2026-11-26 14:35", begin.Add(time.Hour).Format(time.RFC3339),
		).Replace(m[1])
		var found string
		switch {
		case strings.HasPrefix(line, "journalctl"):
			continue // there is no systemd here
		case strings.HasPrefix(line, "modgw-host "):
			found = s.mustRun(append(words(line)[1:], "-c", "modgw.hcl")...)
		default:
			out, err := exec.Command("sh", "-c", line).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			found = string(out)
		}
		if !strings.Contains(found, "the cause") {
			t.Errorf("%s finds\n%s", line, found)
		}
		ran++
	}
	if ran < 5 {
		t.Errorf("%d commands ran", ran)
	}
	if later := s.mustRun("logs", "blog", "--since", begin.Add(time.Hour).Format(time.RFC3339), "-c", "modgw.hcl"); later != "" {
		t.Errorf("an hour later: %q", later)
	}
}

// rotate leaves a log as logrotate does after two days.
func rotate(t *testing.T, log, folder string) {
	t.Helper()
	for name, text := range map[string]string{"modgw.log": "", "modgw.log.1": log} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(folder, "modgw.log.2.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(log)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// words splits a command line as a shell does, for words without quotation marks in them.
func words(line string) (all []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}
