package modgw

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRedactedShowsNoSecret(t *testing.T) {
	d := Descriptor{
		Env: map[string]string{
			"KEY":   "hunter2hunter2",
			"DB":    "postgres://u:hunter2hunter2@db/x",
			"SHORT": "x",
			"PLAIN": "plain",
		},
		Kind:    KindHTTP,
		HTTP:    &HTTP{Command: []string{"server", "--password=hunter2hunter2"}},
		Secrets: []string{"hunter2hunter2", "x"},
	}
	got := d.Redacted()
	want := map[string]string{"KEY": "(secret)", "DB": "(secret)", "SHORT": "(secret)", "PLAIN": "plain"}
	if diff := cmp.Diff(want, got.Env); diff != "" {
		t.Error(diff)
	}
	if got.HTTP.Command[1] != "--password=(secret)" || got.Secrets != nil {
		t.Errorf("command %q, secrets %q", got.HTTP.Command, got.Secrets)
	}
	if d.Env["KEY"] != "hunter2hunter2" || !strings.Contains(d.HTTP.Command[1], "hunter2") {
		t.Error("the descriptor itself was changed")
	}
}

func TestRedactString(t *testing.T) {
	for _, c := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"the key is hunter2", []string{"hunter2"}, "the key is (secret)"},
		{"long goes first: abcdefgh", []string{"abcd", "abcdefgh"}, "long goes first: (secret)"},
		{`quoted "two\nlines"`, []string{"two\nlines"}, `quoted "(secret)"`},
		{"1 of 10", []string{"1", ""}, "1 of 10"},
		{"nothing", nil, "nothing"},
	} {
		if got := RedactString(c.text, c.secrets); got != c.want {
			t.Errorf("RedactString(%q, %q) = %q, want %q", c.text, c.secrets, got, c.want)
		}
	}
}
