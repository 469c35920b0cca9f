package modgw

import (
	"path/filepath"
	"strings"
)

// Program returns the absolute path of the file that the descriptor's command or script names. It
// returns "" for an app without one, and for a program that is looked up in PATH.
func (d Descriptor) Program() string {
	var name string
	switch {
	case d.HTTP != nil && len(d.HTTP.Command) > 0:
		name = d.HTTP.Command[0]
	case d.FastCGI != nil && len(d.FastCGI.Command) > 0:
		name = d.FastCGI.Command[0]
	case d.CGI != nil:
		name = d.CGI.Script
	}
	switch {
	case !strings.Contains(name, "/"):
		return ""
	case filepath.IsAbs(name):
		return name
	}
	return filepath.Join(d.Root, name)
}
