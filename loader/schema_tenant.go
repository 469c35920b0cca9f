package loader

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// tenantBlock has the claims of the descriptors of one user, and the ceilings.
func tenantBlock(h *modgw.HostFile) block {
	t := new(modgw.Tenant)
	return block{
		name:     "tenant",
		label:    "user who owns the descriptors",
		labelled: userName(&t.User),
		repeat:   true,
		doc: "What the descriptors of this user may claim. If there is any such block, users without one may " +
			"claim nothing. Descriptors of the host's own user may claim everything.",
		args: []argument{
			{name: "hosts", value: hostNames(&t.Hosts), note: "none",
				doc: "Host names that apps may answer for, at any mount. \"*.example.com\" matches every " +
					"name below example.com.",
				example: `["shop.example.com", "*.shop.example.com"]`},
			{name: "mounts", value: hostMounts(&t.Mounts), note: "none",
				doc: "Mounts that apps may have in hosts of others, each with everything below it: HOST/PATH, or " +
					"/PATH at any host.", example: `["www.example.com/shop"]`},
			{name: "apps", value: number(&t.Apps, 0, 1<<20), def: 0, note: "0: any number", doc: "Apps at once.", example: `5`},
			{name: "disk", value: size(&t.Disk), def: "0", note: "0: any number", example: `"10GiB"`,
				doc: "Bytes of the host's disk for all apps together: environments, downloads of builds, private " +
					"folders of sandboxes, and bodies kept for slow clients. The host refuses builds beyond it, " +
					"and keeps bodies only in memory."},
		},
		blocks: []func() block{func() block { return ceilingsBlock(&t.Ceilings) }},
		done:   func() { h.Tenants = append(h.Tenants, *t) },
	}
}

func ceilingsBlock(c *modgw.Ceilings) block {
	return block{
		name:     "ceilings",
		presence: whenWritten,
		doc: "Upper limits for settings of these descriptors. A setting above its ceiling is a mistake; a setting that a " +
			"descriptor does not have is lowered to it. Settings that are not listed have no ceiling.",
		args: []argument{
			{name: "workers", value: number(&c.Workers, 1, 1024), note: "no ceiling", doc: "Processes of an app.", example: `8`},
			{name: "threads", value: number(&c.Threads, 1, 1024), note: "no ceiling", doc: "Requests at once in each WSGI worker.", example: `16`},
			{name: "concurrency", value: number(&c.Concurrency, 1, 1<<20), note: "no ceiling",
				doc: "Requests at once of asgi, fastcgi and cgi apps.", example: `500`},
			{name: "websockets", value: number(&c.WebSockets, 1, 1<<20), note: "no ceiling",
				doc: "WebSockets open at once in each ASGI worker.", example: `1000`},
		},
		blocks: []func() block{
			func() block { return withoutDefaults(limitsBlock(&c.Limits)) },
			func() block { return withoutDefaults(queueBlock(&c.Queue)) },
			func() block { return withoutDefaults(timeoutsBlock(&c.Timeouts)) },
			func() block { return withoutDefaults(spoolBlock(&c.Spool)) },
			func() block { return sandboxCeilingBlock(c) },
		},
	}
}

// withoutDefaults returns a block of an app for ceilings: a setting that is not written has no
// ceiling.
func withoutDefaults(b block) block {
	b.doc = "Ceilings of the block of that name in an app."
	b.presence, b.effect, b.check = whenWritten, effect{}, nil
	for i := range b.args {
		b.args[i].def, b.args[i].note, b.args[i].effect = nil, "no ceiling", effect{}
	}
	return b
}

// userName is the login name of a user of this machine; a number will not do, because owners of
// files are compared by name.
func userName(dst *string) func(*leaf) {
	return func(l *leaf) {
		name, ok := l.text()
		switch {
		case !ok:
		case name == "" || strings.ContainsAny(name, ":/ \t\n"):
			l.wrong("The label of a tenant block is the login name of a user, not %s.", l.shown(name))
		default:
			*dst = name
		}
	}
}

// hostMounts are mounts with the host that they are in.
func hostMounts(dst *[]modgw.HostMount) value {
	return listOf("list of HOST/PATH", codeAddress, dst, func(l *leaf, given string) (m modgw.HostMount, why string) {
		host, rest, found := strings.Cut(given, "/")
		mount, wrong := cleanMount("/" + rest)
		why = strings.TrimSuffix(wrong, ".")
		if !found {
			why = "it has no path"
		}
		if host != "" && why == "" {
			host, why = cleanHost(host)
		}
		if why != "" {
			why = fmt.Sprintf("%s is no mount in a host: %s.", l.shown(given), why)
		}
		return modgw.HostMount{Host: host, Mount: modgw.MountPath(mount)}, why
	})
}

// principals are users, and "@" and groups.
func principals(dst *[]string) value {
	return listOf("list of users and @groups", codeValue, dst, func(l *leaf, name string) (_, why string) {
		if strings.TrimPrefix(name, "@") == "" {
			why = fmt.Sprintf("%s is neither a user nor \"@\" and a group.", l.shown(name))
		}
		return name, why
	})
}
