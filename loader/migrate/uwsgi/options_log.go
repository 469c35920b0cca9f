package uwsgi

// logOptions are about logs, and running in the background.
var logOptions = options{
	{drop(accessLogs), "collect-header log-format logformat logformat-strftime log-slow"},
	{drop(logs), "logto logto2 log-to log-strftime syslog rsyslog log-maxsize log-backupname " +
		"touch-logrotate touch-logreopen threaded-logger log-date log-prefix " +
		"logfile-chmod logfile-chown log-reopen"},
	{drop("modgw-host runs under systemd, in the foreground; " + logs), "daemonize daemonize2"},
	{drop("modgw-host runs under systemd, in the foreground"), "d"},
	{drop("systemd, and the control socket, know the host's process"),
		"pidfile safe-pidfile pidfile2 safe-pidfile2"},
}
