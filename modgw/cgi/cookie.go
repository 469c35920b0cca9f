package cgi

import (
	"strings"

	"golang.org/x/net/http/httpguts"
)

// RepairCookies reverts a change by Apache to requests with several Cookie headers over HTTP/1:
// Apache joins them with ", ", which no cookie parser splits, so that the second cookie would
// become part of the first one's value.
//
// A comma that belongs to a value stays: ", " separates cookies only if the text before it is a
// complete cookie, with a name, a value and no open quote, and "name=" follows.
func RepairCookies(s string) string {
	if !strings.Contains(s, ", ") {
		return s
	}
	var repaired strings.Builder
	start := 0 // of the cookie that is looked at
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ';':
			repaired.WriteString(s[start : i+1])
			start = i + 1
		case strings.HasPrefix(s[i:], ", ") && finishedCookie(s[start:i]) && startsCookie(s[i+2:]):
			repaired.WriteString(s[start:i])
			repaired.WriteByte(';')
			start = i + 1
		}
	}
	repaired.WriteString(s[start:])
	return repaired.String()
}

func finishedCookie(s string) bool {
	name, value, ok := strings.Cut(strings.TrimLeft(s, " "), "=")
	if !ok || name == "" {
		return false
	}
	if !strings.HasPrefix(value, `"`) {
		return true
	}
	return len(value) > 1 && strings.HasSuffix(value, `"`)
}

func startsCookie(s string) bool {
	for i := range len(s) {
		if s[i] == '=' {
			return i > 0
		}
		if !httpguts.IsTokenRune(rune(s[i])) {
			return false
		}
	}
	return false
}
