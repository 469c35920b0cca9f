package uwsgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// fileOptions are about files that uWSGI sends itself, and headers that it adds.
var fileOptions = options{
	{staticMap, "static-map static-map2"},
	{checkStatic, "check-static static-check"},
	{staticIndex, "static-index"},
	{manual("list the folders as alias blocks"), "check-static-docroot"},
	{drop("the host sends files itself; see sendfile for X-Sendfile and X-Accel-Redirect"),
		"file-serve-mode fileserve-mode"},
	{drop("the host knows the usual types of files"), "mimefile mime-file"},
	{manualWith("write the header into the web server in front, or into the app: %s"),
		"add-header"},
	{manualWith("take the header off in the web server in front: %s"), "del-header"},
	{staticFolder, "static docroot"},
}

func staticMap(c *config, o pyapp.Option) pyapp.Outcome {
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

func checkStatic(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("files in %s came before the app: name those that are public by alias blocks", migrate.Quote(c.Absolute(o.Text())))
}

func staticIndex(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "index.html" {
		return pyapp.NotNeeded("it is the default of an alias")
	}
	return pyapp.ByHand("set index = [%q] in the alias blocks", o.Text())
}

func staticFolder(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("make an app with static { dir = %q } or alias blocks of it", c.Absolute(o.Text()))
}
