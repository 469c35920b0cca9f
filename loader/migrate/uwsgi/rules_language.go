package uwsgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// plugins is the rule for plugins. Plugins of another language make an app of another kind.
func (c *config) plugins(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	var unknown []string
	for _, name := range strings.FieldsFunc(o.Text(), func(r rune) bool { return r == ',' || r == ' ' }) {
		base := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "0:"), "_plugin.so"))
		switch {
		case strings.HasPrefix(base, "python"), strings.HasPrefix(base, "pypy"), base == "http", base == "logfile", base == "syslog", base == "corerouter",
			base == "gevent", base == "greenlet", base == "transformation_gzip", base == "router_static", base == "stats_pusher_file", base == "cheaper_busyness", base == "logsocket":
		case base == "php":
			c.Kind = pyapp.PHP
			if c.Get("kind.command") == nil {
				c.Set("kind.command", []string{"php-cgi"})
			}
		case base == "psgi", base == "rack", base == "cgi":
			return pyapp.NotNeeded("the kind of the app says so")
		default:
			unknown = append(unknown, name)
		}
	}
	switch {
	case len(unknown) > 0:
		return pyapp.ByHand("see what the plugin did for the app: %s", strings.Join(unknown, ", "))
	case c.Kind == pyapp.PHP:
		return pyapp.Translated("fastcgi { command = [\"php-cgi\"] }")
	}
	return pyapp.NotNeeded("%s", embedded)
}

func (c *config) phpOption(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	c.Kind = pyapp.PHP
	if c.Get("kind.command") == nil {
		c.Set("kind.command", []string{"php-cgi"})
	}
	switch o.Name {
	case "php-docroot":
		c.Set("kind.script_root", c.Absolute(o.Text()))
		c.startIn(c.Absolute(o.Text()))
		return pyapp.Translated("fastcgi.script_root = %q", c.Absolute(o.Text()))
	case "php-index":
		if c.Get("kind.index") == nil {
			c.Set("kind.index", o.Text())
		}
		return pyapp.Translated("fastcgi.index = %q", o.Text())
	case "php-set":
		name, value, _ := strings.Cut(o.Text(), "=")
		ini, _ := c.Get("kind.php_ini").(map[string]string)
		if ini == nil {
			ini = map[string]string{}
		}
		ini[strings.TrimSpace(name)] = strings.TrimSpace(value)
		c.Set("kind.php_ini", ini)
		return pyapp.Translated("fastcgi.php_ini.%s", strings.TrimSpace(name))
	case "php-allowed-ext":
		if o.Text() == ".php" || o.Text() == "php" {
			return pyapp.NotNeeded("scripts are *.php")
		}
	}
	return pyapp.ByHand("see the fastcgi block of the descriptor: %s", migrate.Quote(o.Text()))
}

// startIn takes a folder for the working directory of an app that has none.
func (c *config) startIn(dir string) {
	if c.Dir == "" && path.IsAbs(dir) {
		c.Dir = dir
	}
}

func (c *config) psgi(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	c.startIn(path.Dir(c.Absolute(o.Text())))
	return c.program("plackup", "--host", "127.0.0.1", "--port", "$PORT", c.Absolute(o.Text()))
}

func (c *config) rack(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	c.startIn(path.Dir(c.Absolute(o.Text())))
	return c.program("rackup", "--host", "127.0.0.1", "--port", "$PORT", c.Absolute(o.Text()))
}

func (c *config) program(command ...string) pyapp.Outcome {
	c.Kind = pyapp.HTTP
	c.Set("kind.command", command)
	return pyapp.Translated("http { command = %q }", command)
}

func (c *config) cgi(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	url, target, ok := strings.Cut(o.Text(), "=")
	if !ok {
		url, target = "/", o.Text()
	}
	c.Kind = pyapp.CGI
	name := "script"
	if c.reading.plan.Files.IsDir(c.Absolute(target)) || path.Ext(target) == "" {
		name = "dir"
	}
	c.Set("kind."+name, c.Absolute(target))
	if url = "/" + strings.Trim(url, "/"); url != "/" {
		c.Set("mount", url)
	}
	return pyapp.Translated("cgi { %s = %q }", name, c.Absolute(target))
}
