package apache

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/modgw/modgw/modgw"
)

func noListener() error {
	return &modgw.Fault{
		Code:    "MGW-APA-001",
		Summary: "cannot configure Apache: the host has no FastCGI and no HTTP listener",
		Hint: `add listen "fastcgi" { address = "unix:/run/modgw/modgw.sock" } to the host's file, ` +
			`/etc/modgw/modgw.hcl; or try the app with modgw-host apache run`,
	}
}

func unusable(what, value string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-002",
		Summary: fmt.Sprintf("cannot configure Apache: the %s is %q, which Apache would not read as it stands", what, value),
		Hint:    "use a name without control characters, backslashes, wildcards and ${",
	}
}

func notInstalled() error {
	return &modgw.Fault{
		Code:    "MGW-APA-003",
		Summary: "cannot find Apache: there is no apache2 and no httpd",
		Hint:    "apt install apache2, dnf install httpd, apk add apache2-proxy; or name the program",
	}
}

func notApache(path, output string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-APA-007",
		Summary: fmt.Sprintf("cannot use %q as Apache: it does not tell its version", path),
		Output:  output,
		Err:     err,
		Hint:    "name the server itself, apache2 or httpd",
	}
}

func missingModule(p *Program, module string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-004",
		Summary: fmt.Sprintf("cannot configure Apache %s: it has no module %q", p.Version, module),
		Hint:    fmt.Sprintf("install the package with mod_%s.so; modules are looked for in %q", module, p.Modules),
	}
}

func rejected(output string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-APA-005",
		Summary: "cannot use the configuration for Apache: Apache does not accept it",
		Output:  output,
		Err:     err,
	}
}

func ended(how, output string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-006",
		Summary: "cannot keep Apache running: it " + how,
		Output:  output,
		Hint:    "another program may listen on the same port: ss -ltnp",
	}
}

func silent(address string, after fmt.Stringer, output string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-008",
		Summary: fmt.Sprintf("cannot start Apache: it does not answer on %s after %s", address, after),
		Output:  output,
	}
}

// cannotListen has the codes and words that the host's own listeners have for the same causes.
func cannotListen(address string, err error) error {
	fault := &modgw.Fault{Code: "MGW-HST-005", Summary: fmt.Sprintf("cannot listen on %q", address), Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		fault.Code, fault.Summary = "MGW-HST-001", fault.Summary+": the address is in use"
		fault.Hint = "find out which program listens there with ss -ltnp, or take another --port"
	case errors.Is(err, fs.ErrPermission):
		fault.Code, fault.Summary = "MGW-HST-002", fault.Summary+": permission denied"
		fault.Hint = "take a --port from 1024 on"
	}
	return fault
}

func folderFault(dir string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-APA-010",
		Summary: fmt.Sprintf("cannot write Apache's configuration to %q", dir),
		Err:     err,
		Hint:    "run this as root, or name a folder that you may write to",
	}
}

func fileOfOthers(path string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-011",
		Summary: fmt.Sprintf("cannot write %q: a file of that name is there already, and modgw-host has not written it", path),
		Hint:    "move the file away, or use another folder",
	}
}

func editedFile(path string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-012",
		Summary: fmt.Sprintf("cannot replace %q: it was edited after modgw-host had written it", path),
		Hint:    "move what you have added to a file of your own, and remove this one",
	}
}

func notReloaded(control, output string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-APA-013",
		Summary: "cannot reload Apache: the new configuration is in place, and Apache goes on with the old one",
		Output:  output,
		Err:     err,
		Hint:    fmt.Sprintf("see what %q graceful says", control),
	}
}
