package masking

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

func TestFlatSettingsHaveNoSecrets(t *testing.T) {
	d := modgw.Descriptor{
		Name: "shop", Secrets: []string{"marked-secret"}, Timeouts: modgw.Timeouts{Request: time.Minute},
		Env:  map[string]string{"API_TOKEN": "token-by-name", "DEBUG": "1"},
		HTTP: &modgw.HTTP{Command: []string{"serve", "--key=marked-secret", "--name", "token-by-name"}},
		Idle: modgw.Idle{StopAfter: time.Second},
	}
	settings := Flat(d)
	var lines []string
	for _, s := range settings {
		lines = append(lines, s.Name+" = "+strings.ReplaceAll(s.Value, "\n", " | "))
	}
	for _, want := range []string{
		"name = shop", "env.API_TOKEN = (not shown)", "env.DEBUG = (not shown)", "http.command = serve | --key=(secret) | --name | (secret)",
		"timeouts.request = 1m0s", "idle.stop_after = 1s",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if t.Failed() || !slices.IsSorted(lines) {
		t.Errorf("%q", lines)
	}
}

func TestNamesOfSettingsAreThoseOfDescriptors(t *testing.T) {
	for field, want := range map[string]string{
		"StopAfter": "stop_after", "WSGI": "wsgi", "EnvFile": "env_file", "ID": "id", "MaxHTTPHeader": "max_http_header", "name": "name", "": "",
	} {
		if got := snakeCase(field); got != want {
			t.Errorf("%s: %s, not %s", field, got, want)
		}
	}
}
