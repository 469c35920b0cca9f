package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDashboardAndAlertsAskForMetricsThatThereAre holds the files of examples/monitoring to the
// names of the metrics and their labels.
func TestDashboardAndAlertsAskForMetricsThatThereAre(t *testing.T) {
	expressions := append(dashboardExpressions(t), alertExpressions(t)...)
	if len(expressions) < 30 {
		t.Errorf("there are only %d expressions", len(expressions))
	}
	asked := map[string]bool{}
	for _, e := range expressions {
		if strings.Count(e, "(") != strings.Count(e, ")") || strings.Count(e, "{") != strings.Count(e, "}") {
			t.Errorf("brackets do not match: %s", e)
		}
		for _, found := range metricPattern.FindAllStringSubmatch(e, -1) {
			name, labels := found[1], found[2]
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				if f := families[strings.TrimSuffix(name, suffix)]; f != nil && strings.HasSuffix(name, suffix) {
					name = f.name
				}
			}
			asked[name] = true
			f := families[name]
			if f == nil {
				t.Errorf("there is no metric %s: %s", name, e)
				continue
			}
			for _, label := range labelPattern.FindAllStringSubmatch(labels, -1) {
				isBound := label[1] == "le" && strings.HasSuffix(found[1], "_bucket")
				if !isBound && !slices.Contains(f.labels, label[1]) {
					t.Errorf("%s has no label %s: %s", name, label[1], e)
				}
			}
		}
	}
	for name := range families {
		if !asked[name] {
			t.Errorf("no panel and no alert asks for %s", name)
		}
	}
}

func TestEveryMetricIsInTheManualWithItsLabels(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		quoted := "`" + name
		if len(f.labels) > 0 {
			quoted += "{" + strings.Join(f.labels, ",") + "}"
		}
		if !strings.Contains(string(text), quoted+"`") {
			t.Errorf("docs/metrics.md lacks %s`", quoted)
		}
	}
	for _, found := range metricPattern.FindAllStringSubmatch(string(text), -1) {
		if families[found[1]] == nil {
			t.Errorf("docs/metrics.md has %s, which there is not", found[1])
		}
	}
}

var (
	metricPattern = regexp.MustCompile(`\b(modgw_\w+)(\{[^}]*\})?`)
	labelPattern  = regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
)

func dashboardExpressions(t *testing.T) (all []string) {
	text, err := os.ReadFile("../../examples/monitoring/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, a := range dashboard.Annotations.List {
		all = append(all, a.Expr)
	}
	return all
}

func alertExpressions(t *testing.T) (all []string) {
	text, err := os.ReadFile("../../examples/monitoring/modgw-alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Annotations["summary"] == "" {
				t.Errorf("a rule has no name or summary: %+v", r)
			}
			all = append(all, r.Expr)
		}
	}
	return all
}
