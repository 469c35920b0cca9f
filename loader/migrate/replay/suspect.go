package replay

import (
	"cmp"
	"slices"
	"strings"
)

// Suspect is a line of the old configuration, or of a new descriptor, that may be the cause of a
// difference.
type Suspect struct {
	File      string `json:"file"`      // path of the configuration or descriptor
	Line      int    `json:"line"`      // from 1; 0: the file as a whole
	Directive string `json:"directive"` // name of the directive or option; "": the whole file
	Reason    string `json:"reason"`    // its outcome in the report

	// Args are the words of the line after the directive.
	Args []string `json:"-"`
	// ByHand means that it was not translated.
	ByHand bool `json:"-"`
}

// mostSuspects is the number of lines that are named for one request.
const mostSuspects = 3

// Suspects returns a function that finds the lines that are the likeliest causes of the differences
// of a request, the likeliest first. app finds the descriptor that answers a request; it is named
// if no line fits.
func Suspects(lines []Suspect, app func(Request) (Suspect, bool)) func(Result) []Suspect {
	return func(r Result) []Suspect {
		type scored struct {
			Suspect
			score int
		}
		var found []scored
		for _, s := range lines {
			best := 0
			for _, d := range r.Differences {
				best = max(best, s.score(r.Request, d))
			}
			if best > 0 {
				found = append(found, scored{s, best})
			}
		}
		slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
		var suspects []Suspect
		if r.refusedSlash() {
			suspects = append(suspects, Suspect{Directive: "AllowEncodedSlashes", Reason: slashReason})
		}
		for _, s := range found[:min(len(found), mostSuspects)] {
			suspects = append(suspects, s.Suspect)
		}
		if len(suspects) == 0 && app != nil {
			if s, ok := app(r.Request); ok {
				suspects = append(suspects, s)
			}
		}
		return suspects
	}
}

const slashReason = "the old server refuses %2F in paths, as Apache does where this is not set; " +
	"the new configuration passes it on as it was sent"

// refusedSlash reports whether only the new server passes an encoded slash on.
func (r Result) refusedSlash() bool {
	path, _, _ := strings.Cut(strings.ToLower(r.Target), "?")
	return r.Status == 404 && strings.Contains(path, "%2f") &&
		slices.ContainsFunc(r.Differences, func(d Difference) bool { return d.In == InStatus })
}

// Directives that decide on a part of the answer, in lower case, as beginnings of their names.
var (
	ofPlaces = []string{
		"alias", "scriptalias", "documentroot", "directoryindex", "wsgiscriptalias", "proxypass",
		"rewrite", "redirect", "fallbackresource", "errordocument", "require", "allow", "deny", "order",
		"action", "sethandler", "addhandler", "location", "try_files", "root", "return", "static-map", "route", "mount",
		"uri", "pass", "share", "index",
	}
	ofRedirects = []string{"redirect", "rewrite", "ssl", "return", "directoryslash", "usecanonicalname", "servername"}
	ofAccess    = []string{"auth", "require", "allow", "deny", "order", "satisfy", "wsgiauth", "wsgiaccess", "wsgipassauthorization", "cgipassauth"}
	ofHeaders   = []string{"header", "expires", "add_header", "more_set_headers", "response_headers"}
	ofTypes     = []string{"addtype", "forcetype", "defaulttype", "adddefaultcharset", "addcharset", "addlanguage", "types", "default_type", "charset", "mimefile"}
	ofEncodings = []string{"addoutputfilter", "setoutputfilter", "filter", "deflate", "brotli", "gzip", "addencoding"}
	ofBodies    = []string{"setenv", "passenv", "env", "wsgipassauthorization", "requestheader", "errordocument", "substitute", "fastcgi_param", "uwsgi_param"}
)

// score returns how likely the line is the cause of a difference; 0: not at all.
func (s Suspect) score(r Request, d Difference) int {
	score := 0
	switch {
	case d.In == InStatus || d.In == InAnswer:
		score = s.scoreOfStatus(d)
	case d.In == InHeader:
		score = s.scoreOfHeader(d)
	case s.isOne(ofBodies):
		score = 2
	case s.isOne(ofPlaces) && s.isAbove(r):
		score = 1 // another handler answers
	}
	if score == 0 {
		return 0
	}
	if s.isAbove(r) {
		score += 6
	} else if s.hasPath() {
		return 0 // it is about another place
	}
	if s.names(r.Host) {
		score += 2
	}
	if s.ByHand {
		return score + 4
	}
	// A translated line is a cause only if it concerns the very place or header.
	if score >= 6 {
		return score
	}
	return 0
}

func (s Suspect) scoreOfStatus(d Difference) int {
	code := func(text, classes string) bool { return text != "" && strings.Contains(classes, text[:1]) }
	switch {
	case strings.HasPrefix(d.Old, "401"), strings.HasPrefix(d.New, "401"), strings.HasPrefix(d.Old, "403"), strings.HasPrefix(d.New, "403"):
		if s.isOne(ofAccess) {
			return 4
		}
	case code(d.Old, "3"), code(d.New, "3"):
		if s.isOne(ofRedirects) {
			return 4
		}
	}
	if s.isOne(ofPlaces) {
		return 2
	}
	return 0
}

func (s Suspect) scoreOfHeader(d Difference) int {
	name, _, _ := strings.Cut(d.Header, " ")
	if s.isOne(ofHeaders) && slices.ContainsFunc(s.Args, func(arg string) bool { return strings.EqualFold(arg, name) }) {
		return 8
	}
	switch {
	case name == "Content-Type" && s.isOne(ofTypes), name == "Location" && s.isOne(ofRedirects),
		(name == "Content-Encoding" || name == "Vary") && s.isOne(ofEncodings),
		(name == "Cache-Control" || name == "Expires") && s.isOne([]string{"expires"}),
		name == "Www-Authenticate" && s.isOne(ofAccess):
		return 6
	}
	return 0
}

func (s Suspect) isOne(beginnings []string) bool {
	name, _, _ := strings.Cut(strings.ToLower(s.Directive), " ")
	return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(name, b) })
}

// path is the URL path that the line is about; "": none. "/" alone is no hint.
func (s Suspect) path() string {
	for _, arg := range s.Args {
		if rest, ok := strings.CutPrefix(arg, "^"); ok { // the beginning of a pattern
			arg, _, _ = strings.Cut(rest, "(")
			arg = strings.TrimRight(arg, "$.*+?")
		}
		if strings.HasPrefix(arg, "/") && strings.Trim(arg, "/") != "" {
			return strings.TrimRight(arg, "/")
		}
		if !strings.HasPrefix(arg, "/") && !strings.HasPrefix(arg, "-") && !s.isOne([]string{"redirect", "alias", "scriptalias", "wsgi", "rewrite", "proxypass", "location"}) {
			break
		}
	}
	return ""
}

func (s Suspect) hasPath() bool {
	return s.isOne([]string{"alias", "scriptalias", "redirect", "wsgiscriptalias", "proxypass", "location"}) && s.path() != ""
}

// isAbove reports whether the line is about a path at or above the request's.
func (s Suspect) isAbove(r Request) bool {
	path := s.path()
	if path == "" {
		return false
	}
	rest, ok := strings.CutPrefix(r.Target, path)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], "/?"))
}

func (s Suspect) names(host string) bool {
	return host != "" && slices.ContainsFunc(s.Args, func(arg string) bool { return strings.EqualFold(arg, withoutPort(host)) })
}
