package loader

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// sandboxBlock confines the processes of an app.
func sandboxBlock(d *modgw.Descriptor) block {
	s := new(modgw.Sandbox)
	return block{
		name: "sandbox", presence: whenInherited, effect: withProgram,
		doc: "Confines the app's processes and those that build it, even with no argument: they can read the " +
			"system's programs, the app's root and its environment, change the files in write and a private " +
			"/tmp, and connect to nothing. They cannot reach other processes, kernel interfaces and new " +
			"privileges. modgw-host status shows how each part is enforced.",
		args: []argument{
			{name: "read", value: paths(&s.Read), note: "none",
				doc: "More files and folders that the app may read, with everything below them.", example: `["/srv/media"]`},
			{name: "write", value: paths(&s.Write), note: "root",
				doc: "Files and folders that the app may change, with everything below them. []: only its /tmp.", example: `["var"]`},
			{name: "network", value: endpoints(&s.Network), note: "nothing",
				doc: "Addresses that the app may connect to: HOST:PORT, ADDRESS/BITS:PORT, \"*:PORT\", or \"*\" " +
					"for everything. A name stands for all addresses.",
				example: `["db.example.com:5432"]`},
			{name: "learn", value: truth(&s.Learn), def: false, example: `true`,
				doc: "The sandbox denies nothing. The host records the files and addresses that the app uses as " +
					"a sandbox block that allows them; modgw-host status shows it."},
		},
		check: func(w written) { w.checkUnconfined() },
		done:  func() { d.Sandbox = s },
	}
}

// sandboxCeilingBlock limits the sandboxes of a tenant's apps.
func sandboxCeilingBlock(c *modgw.Ceilings) block {
	s := new(modgw.Sandbox)
	b := sandboxBlock(&modgw.Descriptor{})
	b.effect, b.check, b.done = effect{}, nil, func() { c.Sandbox = s }
	b.doc = "Every app has a sandbox, even if its descriptor has none. It allows files in the folder of the " +
		"descriptor and those listed in this block, wherever links point."
	b.args = []argument{
		{name: "read", value: paths(&s.Read), note: "none", doc: "Files and folders that apps may read.", example: `["/srv/media"]`},
		{name: "write", value: paths(&s.Write), note: "none", doc: "Files and folders that apps may change.", example: `["/srv/shop/var"]`},
		{name: "network", value: endpoints(&s.Network), note: "nothing", doc: "Addresses that apps may connect to.", example: `["127.0.0.1:5432"]`},
		{name: "learn", value: truth(&s.Learn), def: false, doc: "Whether apps may use learn, which denies nothing.", example: `true`},
	}
	return b
}

// endpoints is a list of addresses that can be connected to.
func endpoints(dst *[]modgw.Endpoint) value {
	return value{form: "list of HOST:PORT", set: func(l *leaf) {
		list, ok := l.texts()
		ends := make([]modgw.Endpoint, 0, len(list))
		for i, given := range list {
			e, err := modgw.ParseEndpoint(given)
			if err != nil {
				l.failAt(codeAddress, l.elementRange(i), fmt.Sprintf("%s cannot be connected to: %v.", l.shown(given), err))
				ok = false
			}
			ends = append(ends, e)
		}
		if ok {
			*dst = ends
		}
	}}
}
