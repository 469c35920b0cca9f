package gunicorn

import (
	"time"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// processSettings are about processes: how many, as whom, and for how long.
var processSettings = table{
	{of(pyapp.Count("kind.workers", 1024)), "workers"},
	{of(pyapp.Count("kind.threads", 1024)), "threads"},
	{connections, "worker_connections"},
	{timeout, "timeout"},
	{of(pyapp.Seconds("timeouts.drain", "")), "graceful_timeout"},
	{of(pyapp.Count("recycle.requests", 2147483647)), "max_requests"},
	{jitter, "max_requests_jitter"},
	{of(pyapp.Account("user")), "user"},
	{of(pyapp.Account("group")), "group"},
	{umask, "umask"},
	{drop("the groups of the user are kept, unless groups says others"), "initgroups"},
	{drop(foreground), "daemon"},
	{drop("systemd, and the control socket, know the host's process"), "pidfile pid"},
	{drop("the host needs no files to see whether workers are alive"), "worker_tmp_dir"},
	{drop("the host keeps bodies in its state folder"), "tmp_upload_dir"},
	{drop("modgw-host has a control socket of its own"), "control_socket no_control_socket"},
	{drop(names), "proc_name name default_proc_name"},
	{of(pyapp.Manual(hooks)), "on_starting on_reload when_ready pre_fork post_fork " +
		"post_worker_init worker_int worker_abort pre_exec pre_request post_request " +
		"child_exit worker_exit nworkers_changed on_exit"},
}

func connections(s *server, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	if !ok {
		return pyapp.ByHand("%s is not a whole number", migrate.Quote(o.Text()))
	}
	s.connections = n
	return pyapp.Translated("how many requests a worker has at once, with gevent, threads or asgi")
}

// timeout is how long a sync worker may be busy; that of others is only alive.
func timeout(s *server, o pyapp.Option) pyapp.Outcome {
	out := pyapp.Seconds("timeouts.request", "no limit")(s.App, o)
	if d, ok := s.Get("timeouts.request").(time.Duration); ok && d == 0 {
		return pyapp.Translated("timeouts.request = \"0s\", no limit")
	}
	return out
}

func jitter(s *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("recycle.jitter spreads the limit by a tenth")
}

func umask(s *server, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" {
		return pyapp.NotNeeded("0 is the default")
	}
	return pyapp.Umask(s.App, o)
}
