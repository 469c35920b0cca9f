package kernelaudit

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Types of records.
const (
	typeCall    = unix.AUDIT_SYSCALL // system call to which the records with the same serial belong
	typeSeccomp = unix.AUDIT_SECCOMP
	typeAccess  = unix.AUDIT_LANDLOCK_ACCESS
	typeDomain  = unix.AUDIT_LANDLOCK_DOMAIN // creator of a domain, with the first denial there
)

// record is a parsed record of the kernel.
type record struct {
	kind   uint16
	serial string // stamp, which all records of an event have
	domain uint64 // id of a domain of Landlock; 0: it has none
	ended  bool   // the domain has ended
	denial Denial
}

// parse parses a record. It reports false if the record is not about a denial. Processes choose the
// names in a record: the kernel quotes names without spaces and quotes, and encodes others in
// hexadecimal, so a name cannot be mistaken for another field.
func parse(kind uint16, text []byte) (r record, ok bool) {
	text, found := bytes.CutPrefix(bytes.TrimRight(text, "\x00\n"), []byte("audit("))
	stamp, rest, ends := bytes.Cut(text, []byte("): "))
	if !found || !ends {
		return r, false
	}
	r = record{kind: kind, serial: string(stamp)}
	f := fields{}
	for field := range strings.FieldsSeq(string(rest)) {
		if name, value, ok := strings.Cut(field, "="); ok && f[name] == "" {
			f[name] = value
		}
	}
	switch kind {
	case typeCall:
		r.denial.PID = f.number("pid")
		return r, r.denial.PID > 0
	case typeSeccomp:
		call, err := strconv.ParseUint(f["syscall"], 10, 32)
		r.denial = Denial{PID: f.number("pid"), Kind: Call, Call: uintptr(call)}
		return r, err == nil && r.denial.PID > 0 && f.deniesCall()
	case typeDomain, typeAccess:
		var err error
		r.domain, err = strconv.ParseUint(f["domain"], 16, 64)
		if err != nil || r.domain == 0 {
			return r, false
		}
	default:
		return r, false
	}
	if kind == typeDomain {
		r.denial.PID, r.ended = f.number("pid"), f["status"] == "deallocated"
		return r, r.ended || r.denial.PID > 0
	}
	return r, r.denial.describe(f)
}

// describe sets the fields of a Landlock denial. It reports false if the kind of denial is unknown.
func (d *Denial) describe(f fields) bool {
	first, _, _ := strings.Cut(f["blockers"], ",")
	switch first {
	case "net.connect_tcp":
		d.Kind = Connect
		addr, err := netip.ParseAddr(f["daddr"])
		d.To = netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(f.number("dest")))
		return err == nil && d.To.Port() > 0
	case "net.bind_tcp":
		d.Kind, d.Port = Listen, uint16(f.number("src"))
	case "scope.signal":
		d.Kind = Signal
	case "scope.abstract_unix_socket":
		d.Kind = Abstract
	case "ptrace":
		d.Kind = Trace
	case "fs.change_topology":
		d.Kind = Mount
	default:
		d.Path = f.path("path")
		for blocker := range strings.SplitSeq(f["blockers"], ",") {
			access, of := strings.CutPrefix(blocker, "fs.")
			if !of {
				return false
			}
			d.Change = d.Change || access != "execute" && access != "read_file" && access != "read_dir"
		}
	}
	return true
}

// fields are the values of a record by their names.
type fields map[string]string

// number returns the value of a field that is a number below 2³¹, or 0 if there is none.
func (f fields) number(name string) int {
	n, err := strconv.ParseUint(f[name], 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// path returns the absolute path in a field, or "" if there is none.
func (f fields) path(name string) string {
	value := f[name]
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value = strings.TrimSuffix(quoted, `"`)
	} else if plain, err := hex.DecodeString(value); err == nil {
		value = string(plain)
	}
	if !strings.HasPrefix(value, "/") || strings.ContainsRune(value, 0) {
		return ""
	}
	return value
}

// deniesCall reports whether a filter has denied the call: it may only have written it down.
func (f fields) deniesCall() bool {
	action, err := strconv.ParseUint(f["code"], 0, 32)
	return err == nil && action != unix.SECCOMP_RET_LOG && action != unix.SECCOMP_RET_ALLOW
}
