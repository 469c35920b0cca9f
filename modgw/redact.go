package modgw

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// redacted stands in place of a secret.
const redacted = "(secret)"

// shortestSecret is how many bytes a secret must have to be looked for in running text: taking out every "1" would make
// it unreadable and hide nothing.
const shortestSecret = 4

// Redacted is d for people to see: values in Env that are a secret or contain one are "(secret)", other text in which one
// could stand has it replaced, and Secrets is empty. d itself stays as it is.
func (d Descriptor) Redacted() Descriptor {
	secrets := d.Secrets
	d.Secrets = nil
	d.Env = maps.Clone(d.Env)
	for name, value := range d.Env {
		if slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(value, s) }) {
			d.Env[name] = redacted
		}
	}
	if d.HTTP != nil {
		h := *d.HTTP
		h.Command = redactAll(h.Command, secrets)
		d.HTTP = &h
	}
	if d.FastCGI != nil {
		f := *d.FastCGI
		f.Command = redactAll(f.Command, secrets)
		d.FastCGI = &f
	}
	if d.Go != nil {
		g := *d.Go
		g.Args = redactAll(g.Args, secrets)
		d.Go = &g
	}
	if d.Build != nil {
		b := *d.Build
		b.Command = redactAll(b.Command, secrets)
		d.Build = &b
	}
	d.Python.Packages = redactAll(d.Python.Packages, secrets)
	return d
}

func redactAll(list, secrets []string) []string {
	list = slices.Clone(list)
	for i, s := range list {
		list[i] = RedactString(s, secrets)
	}
	return list
}

// RedactString replaces every secret in s, also in the form that quoting gives it. Secrets of less than four bytes are
// left: they would be found everywhere.
func RedactString(s string, secrets []string) string {
	// Longest first, so that a secret that contains another goes as a whole.
	for _, secret := range slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) < shortestSecret {
			continue
		}
		s = strings.ReplaceAll(s, secret, redacted)
		if quoted := strconv.Quote(secret); quoted != `"`+secret+`"` {
			s = strings.ReplaceAll(s, quoted[1:len(quoted)-1], redacted)
		}
	}
	return s
}
