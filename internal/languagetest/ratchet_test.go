package languagetest

import (
	"slices"
	"strings"
	"testing"
)

func TestRatchetIsReadAsItIsWritten(t *testing.T) {
	const text = "\napache columns=3 undocumented=1\n\nmodgw/host words=12\n"
	r := parse(t, "# A head.\n"+text)
	if got := r.Format(); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	if r["apache"][Columns] != 3 || r["modgw/host"][Words] != 12 {
		t.Error(r)
	}
}

func TestRatchetOfTwoBranchesHasTheLowerNumbers(t *testing.T) {
	r := parse(t, "a words=3 names=4\na words=5 names=2 columns=1\n")
	if got, want := r.Format(), "\na words=3 names=2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRatchetRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, text := range []string{"a speling=1", "a words", "a words=few"} {
		if _, err := ParseRatchet(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestRatchetReportsMoreAndLess(t *testing.T) {
	var got []string
	for _, d := range parse(t, "a words=2 names=2\n\nc words=1").Compare(parse(t, "a words=3 names=1\n\nb columns=1")) {
		got = append(got, d.String())
	}
	want := []string{
		"a: 3 words, at most 2 are allowed",
		"a: names can go down from 2 to 1",
		"b: 1 columns, at most 0 are allowed",
		"c: words can go down from 1 to 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRatchetOnlyGoesDown(t *testing.T) {
	for _, test := range []struct{ name, was, found, want string }{
		{"fewer", "a words=2", "a words=1", "\na words=1\n"},
		{"none", "a words=2", "", ""},
		{"more", "a words=2\n\nb words=9", "a words=3", "a has 3 words and may have 2"},
		{"moved", "a words=2\n\nb words=3", "b words=3\n\nc words=2", "\nb words=3\n\nc words=2\n"},
		{"new", "a words=2", "a words=2\n\nb words=1", "all folders together have 3 words and may have 2"},
		{"first", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			lowered, err := parse(t, test.was).Lower(parse(t, test.found))
			got := lowered.Format()
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFindingsAreCountedByFolder(t *testing.T) {
	r := Count([]Finding{{File: "a/b/c.go", Rule: Words}, {File: "a/b/d.go", Rule: Words}, {File: "e.md", Rule: Words}})
	if got, want := r.Format(), "\n. words=1\n\na/b words=2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func parse(t *testing.T, text string) Ratchet {
	t.Helper()
	r, err := ParseRatchet(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
