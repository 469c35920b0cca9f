package uwsgi

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// serviceOptions are about what runs beside the app: daemons, tasks, cron, statistics.
var serviceOptions = options{
	{drop("it is for mules alone"), "mule-harakiri touch-mules-reload"},
	{drop("it is for the spooler alone"), "spooler-harakiri spooler-processes " +
		"spooler-frequency spooler-ordered spooler-max-tasks spooler-chdir"},
	{daemon, "attach-daemon attach-daemon2 smart-attach-daemon smart-attach-daemon2 " +
		"legion-attach-daemon attach-control-daemon"},
	{drop(metrics), "stats stats-server memory-report m"},
	{crontab, "crons cron2"},
	{manualWith("run it by a timer of systemd: %s"), "timer rbtimer"},
	{manualWith("run the tasks of the spooler by a worker of their own, such as Celery or RQ, as a unit of systemd: %s"),
		"spooler"},
	{manualWith("uWSGI's shared memory is not there: %s"), "sharedarea"},
	{manualWith("uWSGI's locks are not there: let the app lock files: %s"), "locks"},
	{manualWith("uWSGI's queue is not there: %s"), "queue"},
	{manualWith("uWSGI's signals are not there: %s"), "signal"},
	{manualWith("run it by a path unit of systemd: %s"), "hook-touch"},
	{manualWith("profile the app by its own means: %s"), "profiler"},
	{drop("it prints an option"), "get"},
	{manual("write the lines out"), "for-readline"},
}

func daemon(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("run it as a unit of systemd: ExecStart=%s", migrate.Show(o.Text()))
}

// crontab is the rule for commands at certain times: minute, hour, day, month, weekday, command.
func crontab(c *config, o pyapp.Option) pyapp.Outcome {
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
