package httpd

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// access are the directives that control access.
var access = []string{"require", "order", "allow", "deny", "satisfy"}

// containers hold access rules.
var containers = []string{"requireall", "requireany", "requirenone", "limit", "limitexcept"}

// moves reports whether a directive in a section for the files of an app's script has to count for
// its URLs now, because a request that Apache passes on has no file.
func moves(key string) bool {
	for _, prefix := range []string{"auth", "shib", "mellon", "oidc", "cas", "gss", "krb", "kerb", "cosign", "expires", "setenvif"} {
		if strings.HasPrefix(key, prefix) {
			return key != "authmerging" && key != "authzmerging"
		}
	}
	return slices.Contains([]string{
		"header", "requestheader", "setenv", "unsetenv", "errordocument", "sslrequiressl", "sslrequire", "sslverifyclient",
		"sslverifydepth", "addoutputfilterbytype", "setoutputfilter", "setinputfilter",
	}, key)
}

// open reports whether access rules let everybody in.
func open(lines []*line, key func(*line) []string) bool {
	for _, l := range lines {
		words := key(l)
		switch l.node.Key() {
		case "require":
			if !strings.EqualFold(strings.Join(words, " "), "all granted") {
				return false
			}
		case "deny", "satisfy":
			return false
		case "allow":
			if !strings.EqualFold(strings.Join(words, " "), "from all") {
				return false
			}
		case "requireall", "requireany", "requirenone", "limit", "limitexcept":
			if l.node.Key() != "requirenone" && open(l.children, key) {
				continue
			}
			return false
		}
	}
	return true
}

// rules returns the lines of a section that control access, including those within conditions that
// hold.
func rules(lines []*line) (found []*line) {
	for _, l := range lines {
		key := l.node.Key()
		switch {
		case slices.Contains(access, key), slices.Contains(containers, key):
			found = append(found, l)
		case strings.HasPrefix(key, "ifmodule"), strings.HasPrefix(key, "ifversion"), strings.HasPrefix(key, "ifdefine"):
			found = append(found, rules(l.children)...)
		}
	}
	return found
}

// inForce returns the lines that Apache 2.4 uses if there are others for 2.2.
func (c *configuration) inForce(lines []*line) []*line {
	return slices.DeleteFunc(slices.Clone(lines), func(l *line) bool {
		found, ok := c.report.found[l.node]
		return ok && found.became == migrate.NotNeeded
	})
}

// sections returns the sections that count for a mount, in the order in which Apache merges them.
func (c *configuration) sections(m *mount, kinds ...string) (found []*fact) {
	for _, f := range c.facts {
		if f.node.Section && slices.Contains(kinds, f.in[len(f.in)-1].kind) && c.applies(f, m) {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, compareRanks)
	return found
}

// guard returns the lines for a <Location> of a mount, from the sections for its script.
func (c *configuration) guard(m *mount) (lines []*line) {
	var last []*line
	for _, f := range c.sections(m, "directory", "directorymatch", "files", "filesmatch") {
		l := f.in[len(f.in)-1].line
		if found := c.inForce(rules(l.children)); len(found) > 0 {
			last = found
		}
		for _, child := range l.children {
			c.override(child, m)
			if moves(child.node.Key()) && !child.drop {
				lines = append(lines, child)
				c.report.replace(child.node, migrate.Translated, "also in <Location %q>: a request of an app has no file in Apache", m.url)
			}
		}
	}
	if open(last, c.words) && !slices.ContainsFunc(lines, func(l *line) bool { return strings.HasPrefix(l.node.Key(), "auth") }) {
		return lines
	}
	for _, l := range last {
		lines = append(lines, l)
		c.report.replace(l.node, migrate.Translated, "also in <Location %q>: a request of an app has no file in Apache", m.url)
	}
	return lines
}

// override notes an AllowOverride that lets a .htaccess file affect the script of a mount: an
// existing one no longer affects the app.
func (c *configuration) override(l *line, m *mount) {
	file := filepath.Join(filepath.Dir(m.script), ".htaccess")
	if l.node.Key() != "allowoverride" || strings.EqualFold(first(c.words(l)), "none") || !c.plan.Files.Exists(file) {
		return
	}
	c.report.replace(l.node, migrate.ByHand, "%q counts no longer for the app, because its requests have no file in Apache: put what it says into a <Location %q>", file, m.url)
}

// words are the arguments of a line.
func (c *configuration) words(l *line) []string {
	_, rest := webconf.CutHTTPDWord(strings.TrimSpace(l.text))
	return webconf.SplitHTTPD(webconf.ExpandHTTPD(rest, c.defines))
}

// guarded reports whether not everybody may see the folder of an Alias.
func (c *configuration) guarded(s *served) bool {
	m := &mount{fact: s.fact, host: s.host, url: "/" + strings.Trim(s.url, "/"), script: strings.TrimSuffix(s.target, "/") + "/x"}
	var last []*line
	for _, f := range c.sections(m, "directory", "directorymatch", "location", "locationmatch") {
		if found := c.inForce(rules(f.in[len(f.in)-1].line.children)); len(found) > 0 {
			last = found
		}
	}
	return !open(last, c.words)
}
