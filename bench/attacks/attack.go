package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// attack describes an attack of one tenant on others and its expected outcome.
type attack struct {
	name string // in a few words
	from string // the kind of app that does it: Python, Go, CGI, descriptor or build

	// path is the request to the hostile app, with {{names}} that the scene replaces; "" if run
	// performs the attack.
	path string

	// run performs the attack in another way and returns its answer; nil: path is requested.
	run func(context.Context, *scene) (answer string, err error)

	// denied is a pattern for the answer if the attack was denied.
	denied string

	// says is a pattern for the line in the host's log that names the attack; "": the host logs no
	// line, because the kernel denies the attack and only the app receives the error.
	says string

	by    string // the protection that stops it
	costs bool   // it uses resources that the neighbour needs
}

// verdict is the outcome of an attack.
type verdict struct {
	attack *attack
	Name   string `json:"name"`
	From   string `json:"from"`
	By     string `json:"by"`
	Answer string `json:"answer"`         // answer of the hostile app
	Denied bool   `json:"denied"`         // the attack was denied
	Line   string `json:"line,omitempty"` // line of the log that names the attack
	Named  bool   `json:"named"`          // the log names the attack as it should
	// the neighbour has answered all requests, and is unchanged
	Unhurt bool          `json:"unhurt"`
	Harm   string        `json:"harm,omitempty"`   // why not
	Before time.Duration `json:"before,omitempty"` // the neighbour's p99
	During time.Duration `json:"during,omitempty"` // the neighbour's p99 during the attack
	Failed string        `json:"failed,omitempty"` // why it could not be tried
}

// good reports whether the attack was denied, was named, and left the neighbour unhurt.
func (v *verdict) good() bool { return v.Failed == "" && v.Denied && v.Named && v.Unhurt }

// ratio returns how many times slower the neighbour answered during the attack; 0 if it was not
// measured.
func (v *verdict) ratio() float64 {
	if v.Before == 0 {
		return 0
	}
	return float64(v.During) / float64(v.Before)
}

// String implements [fmt.Stringer].
func (v *verdict) String() string {
	mark := "denied"
	switch {
	case v.Failed != "":
		return fmt.Sprintf("FAILED     %-10s %s: %s", v.From, v.Name, v.Failed)
	case !v.Denied:
		mark = "SUCCEEDED"
	case !v.Unhurt:
		mark = "HURT"
	case !v.Named:
		mark = "UNNAMED"
	}
	text := fmt.Sprintf("%-10s %-10s %s: %s | %s", mark, v.From, v.Name, v.Answer, v.Line)
	if v.Harm != "" {
		text += " | " + v.Harm
	}
	if v.Before > 0 {
		text += fmt.Sprintf(" | p99 %s, then %s", v.Before, v.During)
	}
	return text
}

// braces are kept in paths until the scene fills them.
var braces = strings.NewReplacer("%7B%7B", "{{", "%7D%7D", "}}")

// ask returns the path of a request that performs an attack.
func ask(name string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return "/" + name + "?" + braces.Replace(query.Encode())
}

// matches reports whether a pattern that may be empty is in a text.
func matches(pattern, text string) bool {
	return pattern == "" || regexp.MustCompile(pattern).MatchString(text)
}
