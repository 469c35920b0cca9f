package uwsgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// listenerOptions are about sockets, and requests before they reach the app.
var listenerOptions = options{
	{listen("uwsgi"), "socket uwsgi-socket suwsgi-socket unix-socket"},
	{listen("http"), "http-socket http http11-socket shared-socket undeferred-shared-socket"},
	{secure, "https https-socket"},
	{listen("fastcgi"), "fastcgi-socket fastcgi-nph-socket"},
	{listen("scgi"), "scgi-socket scgi-nph-socket"},
	{drop(frontend), "http-to protocol http-modifier1"},
	{manualWith("set redirect_https in the listen block of the host's own file: %s"),
		"http-to-https"},
	{drop(queues), "map-socket so-reuseport"},
	{sockets("mode"), "chmod-socket chmod"},
	{sockets("owner and group"), "chown-socket"},
	{httpTimeout, "http-timeout"},
	{drop(gateways), "socket-timeout so-send-timeout socket-send-timeout socket-write-timeout " +
		"so-write-timeout body-read-warning response-header-limit " +
		"response-headers-limit http-keepalive http-auto-chunked http-backlog"},
	{of(pyapp.Count("queue.max", 1048576)), "listen"},
	{bufferSize, "buffer-size http-buffer-size"},
	{drop("the host keeps bodies in memory and then in files: see spool"),
		"post-buffering post-buffering-bufsize"},
	{manualWith("the host writes no progress of uploads: %s"), "upload-progress"},
	{of(pyapp.Seconds("queue.timeout", "")), "harakiri-queue-threshold"},
	{drop("the host keeps bodies in its state folder"), "upload-tmp tmpdir"},
	{drop("trusted_proxies of the host's own file"), "x-forwarded"},
	{drop("one host process serves all clients"), "http-processes http-workers"},
	{drop("the host opens its listeners before it gives up rights"), "http-uid http-gid"},
	{drop("the host speaks TLS 1.2 and newer"), "tls-server-min"},
}

// listen is the rule for an address. Clients of http may be browsers, those of other protocols are
// web servers.
func listen(protocol string) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
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

func secure(c *config, o pyapp.Option) pyapp.Outcome {
	parts := strings.Split(o.Text(), ",")
	c.Addresses = append(c.Addresses, pyapp.Address{Text: parts[0], Place: o.Place})
	if len(parts) < 3 {
		return pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have the certificate: %s", migrate.Quote(o.Text()))
	}
	return pyapp.ByHand("add to the host's own file: listen \"http\" { address = %q, tls { certificate = %q, key = %q } }",
		pyapp.WithHost(parts[0]), c.Absolute(parts[1]), c.Absolute(parts[2]))
}

func sockets(what string) rule {
	return drop("the listen block of the host's own file has the " + what + " of its socket")
}

func httpTimeout(c *config, o pyapp.Option) pyapp.Outcome {
	if c.Get("timeouts.request") != nil {
		return pyapp.NotNeeded("timeouts.request is set already")
	}
	return pyapp.Seconds("timeouts.request", "")(c.App, o)
}

func bufferSize(c *config, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	switch {
	case !ok:
		return pyapp.ByHand("%s is not a number", migrate.Quote(o.Text()))
	case n > 64<<10:
		return pyapp.ByHand("a listener takes heads of requests up to 64 KiB: set limits { header = \"%dKiB\" } in the listen block of the host's own file", n>>10)
	}
	return pyapp.NotNeeded("the host takes heads of requests up to 64 KiB")
}
