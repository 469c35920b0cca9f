package certs

import (
	"errors"
	"fmt"
	"time"

	"github.com/modgw/modgw/modgw"
)

var errNoCertificate = errors.New("there is no certificate in it")

func notReadable(file string, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-001",
		Summary: fmt.Sprintf("cannot read the certificate or key %q", file),
		Hint:    "the host reads it with its own user's rights; one of root, with those of the user who can change the file, a link or a folder on the way",
		Err:     err,
	}
}

func notOurs(name string) error {
	return fmt.Errorf("cannot get a certificate for %q: it is not among the hosts of acme", name)
}

func noPair(files modgw.Certificate, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-002",
		Summary: fmt.Sprintf("cannot use certificate %q with key %q", files.File, files.Key),
		Hint:    "both files are PEM; the certificate comes first in its file, the intermediate ones after it, and the key is not encrypted",
		Err:     err,
	}
}

func openKey(file string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-003",
		Summary: fmt.Sprintf("cannot keep key %q secret: every user of this machine may read it", file),
	}
}

func expired(file string, at time.Time) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-004",
		Summary: fmt.Sprintf("cannot be trusted any more: certificate %q expired at %s", file, at.UTC().Format(time.RFC3339)),
	}
}

func noAuthorities(file string, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-005",
		Summary: fmt.Sprintf("cannot read the authorities of clients from %q", file),
		Err:     err,
	}
}

func notIssued(host string, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-TLS-006",
		Summary: fmt.Sprintf("cannot get a certificate for %q", host),
		Hint:    "the authority must reach this listener at port 443 of that name, or a listener without TLS at port 80",
		Err:     err,
	}
}
