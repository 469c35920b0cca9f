package modgw

import (
	"regexp"
	"strings"
)

// CompileMountMatch compiles the pattern of [Descriptor.MountMatch]. The first group of the result
// is the part of a path below the mount that it matches, up to a slash or the end of the path.
func CompileMountMatch(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil { // by itself, without the parentheses
		return nil, err
	}
	return regexp.Compile("^((?:" + pattern + "))(?:/|$)")
}

// mounting is where an app begins.
type mounting struct {
	mount   MountPath
	match   *regexp.Regexp // moves the beginning further down the path; nil: it is the mount
	aliases []Alias        // are below the mount itself
}

func mountingOf(d Descriptor) mounting {
	m := mounting{mount: d.Mount}
	if d.MountMatch != "" {
		// The loader has refused a pattern that cannot be compiled. Without it no path is matched.
		m.match, m.aliases = noPath, d.Aliases
		if match, err := CompileMountMatch(d.MountMatch); err == nil {
			m.match = match
		}
	}
	return m
}

// noPath matches nothing.
var noPath = regexp.MustCompile(`[^\x00-\x{10FFFF}]`)

// split divides a path into SCRIPT_NAME and PATH_INFO (RFC 3875 sections 4.1.13 and 4.1.5). ok is
// false when the app does not answer for it.
func (m mounting) split(path string) (scriptName, pathInfo string, ok bool) {
	scriptName, pathInfo, ok = m.mount.split(path)
	if !ok || m.match == nil || m.isAlias(path) {
		return scriptName, pathInfo, ok
	}
	found := m.match.FindStringSubmatchIndex(pathInfo)
	if found == nil {
		return "", "", false
	}
	end := found[3] // of the first group
	return scriptName + pathInfo[:end], pathInfo[end:], true
}

func (m mounting) isAlias(path string) bool {
	for _, a := range m.aliases {
		url := a.URL(m.mount)
		if path == url || a.File == "" && strings.HasPrefix(path, url) {
			return true
		}
	}
	return false
}

// split divides path at the mount: SCRIPT_NAME and PATH_INFO (RFC 3875 sections 4.1.13 and 4.1.5).
// ok is false when the path is not below the mount.
func (m MountPath) split(path string) (scriptName, pathInfo string, ok bool) {
	if m == "/" {
		return "", path, path == "" || path[0] == '/'
	}
	rest, found := strings.CutPrefix(path, string(m))
	if !found || (rest != "" && rest[0] != '/') {
		return "", "", false
	}
	return string(m), rest, true
}
