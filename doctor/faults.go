package doctor

import (
	"fmt"
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

func notEdited(file string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-DOC-090",
		Summary: fmt.Sprintf("cannot edit %q", file),
		Err:     err,
		Hint:    "change it by hand, as the fix says",
	}
}

// NoServer is the error of a machine on which no configuration of a web server was found.
func NoServer() error {
	return &modgw.Fault{
		Code:    "MGW-DOC-091",
		Summary: "cannot find the configuration of a web server",
		Hint:    "name its main file: --apache FILE, --nginx FILE, --lighttpd FILE or --haproxy FILE",
	}
}

func notReloaded(program string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-DOC-093",
		Summary: fmt.Sprintf("cannot reload %s", filepath.Base(program)),
		Err:     err,
		Hint:    "run modgw-host doctor --fix as root",
	}
}
