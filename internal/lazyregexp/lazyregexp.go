// Package lazyregexp provides regular expressions that are compiled when they are first used: a
// program with hundreds of them, of which each run needs a few, starts faster and uses less memory.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression with the methods of [regexp.Regexp].
type Regexp struct{ get func() *regexp.Regexp }

// New returns a regular expression. It panics when the expression cannot be compiled: in tests at
// once, otherwise when it is first used.
func New(pattern string) *Regexp {
	r := &Regexp{get: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
	if len(os.Args) > 0 && strings.HasSuffix(os.Args[0], ".test") {
		r.get()
	}
	return r
}

// MatchString and the other methods are the same as the methods of [regexp.Regexp].
func (r *Regexp) MatchString(s string) bool { return r.get().MatchString(s) }

// FindString finds the first match.
func (r *Regexp) FindString(s string) string { return r.get().FindString(s) }

// FindStringIndex finds the position of the first match.
func (r *Regexp) FindStringIndex(s string) []int { return r.get().FindStringIndex(s) }

// FindStringSubmatch finds the first match with its groups.
func (r *Regexp) FindStringSubmatch(s string) []string { return r.get().FindStringSubmatch(s) }

// FindStringSubmatchIndex finds the positions of the first match and its groups.
func (r *Regexp) FindStringSubmatchIndex(s string) []int {
	return r.get().FindStringSubmatchIndex(s)
}

// FindAllString finds at most n matches; -1: all.
func (r *Regexp) FindAllString(s string, n int) []string { return r.get().FindAllString(s, n) }

// FindAllStringIndex finds the positions of at most n matches; -1: all.
func (r *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return r.get().FindAllStringIndex(s, n)
}

// FindAllStringSubmatch finds at most n matches with their groups; -1: all.
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.get().FindAllStringSubmatch(s, n)
}

// FindAllStringSubmatchIndex finds the positions of at most n matches and their groups; -1: all.
func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return r.get().FindAllStringSubmatchIndex(s, n)
}

// ReplaceAllString replaces each match.
func (r *Regexp) ReplaceAllString(s, with string) string { return r.get().ReplaceAllString(s, with) }

// ReplaceAllStringFunc replaces each match by the result of calling with.
func (r *Regexp) ReplaceAllStringFunc(s string, with func(string) string) string {
	return r.get().ReplaceAllStringFunc(s, with)
}

// ReplaceAllFunc is like ReplaceAllStringFunc, for bytes.
func (r *Regexp) ReplaceAllFunc(s []byte, with func([]byte) []byte) []byte {
	return r.get().ReplaceAllFunc(s, with)
}
