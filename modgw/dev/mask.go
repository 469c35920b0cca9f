package dev

import "github.com/modgw/modgw/internal/lazyregexp"

// masked replaces values that should not be visible to others who see the developer's screen.
const masked = "••••••"

var secretName = lazyregexp.New(`(?i)pass(word|wd|phrase)?|secret|token|api.?key|auth|cookie|credential|private|session|csrf|signature`)

// mask returns value, or masked if the name indicates a secret.
func mask(name, value string) string {
	if value != "" && secretName.MatchString(name) {
		return masked
	}
	return value
}
