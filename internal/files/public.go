package files

import "strings"

// Public reports whether a name below a folder is one that clients may ask for: it has no empty segment, and none that
// begins with a dot, such as ".." and ".git". Only "/.well-known/" is meant for the public (RFC 8615).
func Public(name string) bool {
	for i, segment := range strings.Split(name, "/") {
		if segment == "" || segment[0] == '.' && (i > 0 || segment != ".well-known") {
			return false
		}
	}
	return true
}
