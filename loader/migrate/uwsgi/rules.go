package uwsgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// setField is the rule for options that identify the app.
func setField(field *string, what string) pyapp.Rule {
	return func(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
		if o.Text() == "" {
			return pyapp.NotNeeded("it is empty")
		}
		*field = o.Text()
		return pyapp.Translated("%s", what)
	}
}

func (c *config) mountOption(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	where, target, ok := strings.Cut(o.Text(), "=")
	if !ok || target == "" {
		return pyapp.ByHand("%s is not PATH=APP", migrate.Quote(o.Text()))
	}
	m := mount{target: target, place: o.Place}
	if m.host, m.path, ok = strings.Cut(where, "/"); m.host == "" || ok {
		m.path = "/" + strings.Trim(m.path, "/")
	} else {
		m.path = "/"
	}
	if strings.HasSuffix(target, ".ini") || strings.Contains(target, "://") {
		return pyapp.ByHand("the app has a configuration of its own: migrate %s, and set mount = %q in what becomes of it", migrate.Quote(target), m.path)
	}
	c.mounts = append(c.mounts, m)
	return pyapp.Translated("an app with mount = %q", m.path)
}

func (c *config) paste(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	c.module = pyapp.Paste(c.App, o.Text())
	c.startIn(path.Dir(c.Absolute(strings.TrimPrefix(o.Text(), "config:"))))
	return pyapp.Translated("entry = %q", c.module)
}

func (c *config) gevent(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	c.Set("kind.concurrency", "gevent")
	return pyapp.Count("kind.threads", 1024)(c.App, o)
}

func (c *config) loop(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "gevent" {
		c.Set("kind.concurrency", "gevent")
		return pyapp.Translated("concurrency = \"gevent\"")
	}
	return pyapp.ByHand("the host has no loop %s: make the app an asgi app", migrate.Quote(o.Text()))
}

func (c *config) optimize(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" || o.Text() == "" {
		return pyapp.NotNeeded("it is the default")
	}
	c.Env("PYTHONOPTIMIZE", o.Text())
	return pyapp.Translated("env.PYTHONOPTIMIZE")
}

func (c *config) addedGroups(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	list, _ := c.Get("groups").([]string)
	c.Set("groups", append(list, strings.Fields(o.Text())...))
	return pyapp.Translated("groups")
}

func (c *config) addressSpace(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("the host counts resident memory, which is less than the address space: set recycle { memory } to what a worker may use, instead of %s MiB", o.Text())
}

// listen is the rule for an address. Clients of http may be browsers; those of other protocols are
// web servers.
func (c *config) listen(protocol string) pyapp.Rule {
	return func(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
		address, _, _ := strings.Cut(o.Text(), ",") // certificates and keys
		if address == "" {
			return pyapp.NotNeeded("it is empty")
		}
		if !strings.Contains(address, ":") && !path.IsAbs(address) && !strings.HasPrefix(address, "@") {
			address = c.Absolute(address)
		}
		c.Addresses = append(c.Addresses, pyapp.Address{Text: address, Place: o.Place})
		return pyapp.Listener(protocol, address)
	}
}

func (c *config) secure(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	parts := strings.Split(o.Text(), ",")
	c.Addresses = append(c.Addresses, pyapp.Address{Text: parts[0], Place: o.Place})
	if len(parts) < 3 {
		return pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have the certificate: %s", migrate.Quote(o.Text()))
	}
	return pyapp.ByHand("add to the host's own file: listen \"http\" { address = %q, tls { certificate = %q, key = %q } }",
		pyapp.WithHost(parts[0]), c.Absolute(parts[1]), c.Absolute(parts[2]))
}

func sockets(what string) pyapp.Rule {
	return pyapp.Drop("the listen block of the host's own file has the " + what + " of its socket")
}

func (c *config) httpTimeout(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if c.Get("timeouts.request") != nil {
		return pyapp.NotNeeded("timeouts.request is set already")
	}
	return pyapp.Seconds("timeouts.request", "")(c.App, o)
}

func (c *config) bufferSize(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	switch {
	case !ok:
		return pyapp.ByHand("%s is not a number", migrate.Quote(o.Text()))
	case n > 64<<10:
		return pyapp.ByHand("a listener takes heads of requests up to 64 KiB: set limits { header = \"%dKiB\" } in the listen block of the host's own file", n>>10)
	}
	return pyapp.NotNeeded("the host takes heads of requests up to 64 KiB")
}

func (c *config) staticMap(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	url, target, ok := strings.Cut(o.Text(), "=")
	if !ok || target == "" {
		return pyapp.ByHand("%s is not PATH=FOLDER", migrate.Quote(o.Text()))
	}
	url = "/" + strings.Trim(url, "/")
	target = c.Absolute(target)
	if url == "/" {
		return pyapp.ByHand("files in %s came before the app: name them by alias blocks", migrate.Quote(target))
	}
	argument := "dir"
	if path.Ext(url) != "" && path.Ext(url) == path.Ext(target) {
		argument = "file"
	}
	c.Alias(url, argument, target)
	return pyapp.Translated("alias %q { %s = %q }", url, argument, target)
}

func (c *config) checkStatic(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("files in %s came before the app: name those that are public by alias blocks", migrate.Quote(c.Absolute(o.Text())))
}

func (c *config) staticIndex(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "index.html" {
		return pyapp.NotNeeded("it is the default of an alias")
	}
	return pyapp.ByHand("set index = [%q] in the alias blocks", o.Text())
}

func (c *config) staticFolder(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("make an app with static { dir = %q } or alias blocks of it", c.Absolute(o.Text()))
}

// watched is the rule for files whose change restarts the app.
func (c *config) watched(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" {
		return pyapp.NotNeeded("the host reloads an app when its files change")
	}
	list, _ := c.Get("reload.watch").([]string)
	c.Set("reload.watch", append(list, c.Absolute(o.Text())))
	return pyapp.Translated("reload.watch has %q", c.Absolute(o.Text()))
}

func (c *config) daemon(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("run it as a unit of systemd: ExecStart=%s", migrate.Show(o.Text()))
}

// crontab is the rule for commands at certain times: minute, hour, day, month, weekday, command.
func (c *config) crontab(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	words := strings.Fields(o.Text())
	if len(words) < 6 {
		return pyapp.ByHand("run it by cron, or by a timer of systemd: %s", migrate.Show(o.Text()))
	}
	for i, w := range words[:5] {
		if rest, every := strings.CutPrefix(w, "-"); every {
			words[i] = "*/" + rest
			if rest == "1" {
				words[i] = "*"
			}
		}
	}
	return pyapp.ByHand("add to the user's crontab: %s", migrate.Show(strings.Join(words, " ")))
}

func (c *config) emperor(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	n, reason := c.reading.emperor(o.Text())
	if reason != "" {
		return pyapp.ByHand("%s", reason)
	}
	return pyapp.Translated("%s, each a descriptor of its own; the host watches the folder of descriptors", plural(n, "vassal"))
}
