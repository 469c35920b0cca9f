package dev

import "github.com/modgw/modgw/internal/lazyregexp"

// masked stands in place of what no one should see over the developer's shoulder.
const masked = "••••••"

var secretName = lazyregexp.New(`(?i)pass(word|wd|phrase)?|secret|token|api.?key|auth|cookie|credential|private|session|csrf|signature`)

// mask is value, unless its name says that it is a secret.
func mask(name, value string) string {
	if value != "" && secretName.MatchString(name) {
		return masked
	}
	return value
}
