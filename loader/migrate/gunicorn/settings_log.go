package gunicorn

import (
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// logSettings are about logs and figures.
var logSettings = table{
	{drop("the host queues requests itself: see queue"), "backlog"},
	{logLevel, "loglevel log_level"},
	{drop(logs), "logfile errorlog error_logfile log_file capture_output " +
		"enable_stdio_inheritance syslog log_syslog syslog_addr log_syslog_to " +
		"syslog_prefix log_syslog_prefix syslog_facility log_syslog_facility"},
	{manualWith("the host writes the logs: configure the loggers in the app instead of by %s"),
		"logger_class"},
	{manualWith("the host writes the logs: load this configuration of loggers in the app: %s"),
		"logconfig log_config logconfig_json log_config_json"},
	{manualWith("the host writes the logs: configure the loggers in the app: %s"),
		"logconfig_dict"},
	{drop(accessLogs), "accesslog access_logfile access_log_format access_logformat " +
		"disable_redirect_access_to_syslog"},
	{manualWith("send the figures of modgw-host metrics to your monitoring, instead of to %s"),
		"statsd_host"},
	{drop("it is for statsd alone"), "statsd_prefix dogstatsd_tags"},
	{drop("modgw-host status shows how many requests wait"), "enable_backlog_metric"},
}

func logLevel(_ *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("the host writes what an app prints with the level that it has; the level %s was for Gunicorn's own messages", migrate.Quote(o.Text()))
}
