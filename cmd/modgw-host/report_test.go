package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/masking"
)

func TestAReportHasNoSecretOfTheDescriptor(t *testing.T) {
	const marked, named, quoted, short = "hunter2-marked", "tok-named-12", `quo"ted<secret>\n`, "xy"
	d := modgw.Descriptor{
		Name: "shop", Root: "/srv/shop", Secrets: []string{marked, quoted},
		Env:          map[string]string{"PLAIN": "plain value", "API_TOKEN": named, "DEBUG_KEY": short, "A": marked},
		BuildSecrets: map[string]string{"INDEX": "value of a build"},
		HTTP:         &modgw.HTTP{Command: []string{"serve", "--password", marked, quoted}},
		Timeouts:     modgw.Timeouts{Request: time.Minute},
	}
	said := marked + " " + named + " " + quoted + " https://user:pass-of-url@index/"
	r := report{
		App: control.AppStatus{AppStatus: modgw.AppStatus{
			App: "shop", Failure: &modgw.FailureStatus{Error: said, Text: said, Cause: said},
		}},
		Broken: said, Descriptor: masking.Settings(d),
		Metrics: []reportedMetric{{Name: "shop_total", Series: []reportedSeries{{Labels: map[string]string{"user": said}, Value: new(float64)}}}},
		Log: []control.LogRecord{
			{Level: "ERROR", App: "shop", Message: said, Attrs: []control.LogAttr{{Key: "error", Value: said}}},
			{Level: "INFO", App: "shop", Message: modgw.AppLine, Attrs: []control.LogAttr{{Key: "line", Value: said}}},
		},
	}
	secrets := masking.Secrets(d)
	var markdown, inJSON bytes.Buffer
	if err := r.write(t.Context(), &markdown, secrets); err != nil {
		t.Fatal(err)
	}
	if err := (console{stdout: &inJSON}).json(masking.Without(r, secrets)); err != nil {
		t.Fatal(err)
	}
	escaped, err := json.Marshal(quoted)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{"Markdown": markdown.String(), "JSON": inJSON.String()} {
		for _, secret := range []string{marked, named, quoted, strings.Trim(string(escaped), `"`), "ted<secret>", "pass-of-url", "plain value",
			"value of a build"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q:\n%s", form, secret, text)
			}
		}
		for _, part := range []string{"API_TOKEN", "PLAIN", "(not shown)", "/srv/shop", "1m0s", "shop_total", "(secret)"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q:\n%s", form, part, text)
			}
		}
	}
}

func TestValuesOfAnEnvFileAreTakenToBeSecret(t *testing.T) {
	d := modgw.Descriptor{EnvFile: "/srv/shop/.env", Env: map[string]string{"SHOP": "long enough", "DEBUG": "1"}}
	if got := masking.Secrets(d); len(got) != 1 || got[0] != "long enough" {
		t.Errorf("%q", got)
	}
	d.EnvFile = ""
	if got := masking.Secrets(d); len(got) != 0 {
		t.Errorf("%q without an env_file", got)
	}
}
