package uwsgi

import (
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// reloadOptions are about files whose change restarts the app.
var reloadOptions = options{
	{drop("modgw-host reload and other commands take its place"), "master-fifo"},
	{watched, "touch-reload touch-workers-reload touch-chain-reload"},
	{drop("the host reloads an app when its files change"), "autoreload auto-reload " +
		"py-autoreload python-autoreload py-auto-reload python-auto-reload"},
	{drop("reload.ignore has globs of files that do not count"), "py-auto-reload-ignore"},
}

// watched is the rule for files whose change restarts the app.
func watched(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" {
		return pyapp.NotNeeded("the host reloads an app when its files change")
	}
	list, _ := c.Get("reload.watch").([]string)
	c.Set("reload.watch", append(list, c.Absolute(o.Text())))
	return pyapp.Translated("reload.watch has %q", c.Absolute(o.Text()))
}
