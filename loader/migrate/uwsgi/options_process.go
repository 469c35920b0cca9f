package uwsgi

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// processOptions are about the processes of an app: how many, as whom, and within which limits.
var processOptions = options{
	{of(pyapp.Count("kind.workers", 1024)), "processes workers p"},
	{of(pyapp.Count("kind.threads", 1024)), "threads"},
	{of(pyapp.Account("user")), "uid"},
	{of(pyapp.Account("group")), "gid"},
	{addedGroups, "add-gid additional-gid"},
	{of(pyapp.Umask), "umask"},
	{of(pyapp.Seconds("timeouts.request", "")), "harakiri"},
	{of(pyapp.Seconds("timeouts.drain", "")), "reload-mercy worker-reload-mercy"},
	{of(pyapp.Count("recycle.requests", 2147483647)), "max-requests"},
	{drop("recycle.jitter spreads the limits by a tenth"), "max-requests-delta " +
		"max-worker-lifetime-delta"},
	{of(pyapp.Seconds("recycle.age", "")), "max-worker-lifetime"},
	{drop(supervises), "min-worker-lifetime sleep forkbomb-delay mountpoints-check " +
		"lazy-apps-delay reload-on-exception-type reload-on-exception-value"},
	{of(pyapp.Size("recycle.memory", 1<<20)), "reload-on-rss evil-reload-on-rss reload-on-uss " +
		"reload-on-pss"},
	{addressSpace, "reload-on-as evil-reload-on-as"},
	{of(pyapp.Size("limits.memory", 1<<20)), "limit-as"},
	{of(pyapp.Count("limits.processes", 4194304)), "limit-nproc"},
	{of(pyapp.Size("limits.body", 1)), "limit-post"},
	{of(pyapp.Count("limits.files", 1073741824)), "max-fd rlimit-nofile"},
	{of(pyapp.Size("limits.stack", 1<<10)), "threads-stacksize thread-stacksize stack-size"},
	{of(pyapp.Count("nice", 19)), "nice prio"},
	{of(pyapp.Seconds("idle.stop_after", "")), "idle"},
	{drop("the system places processes on CPUs"), "cpu-affinity"},
	{drop("the host keeps as many workers as the app has, and does not change their number under load"),
		"cheaper"},
	{drop("the host starts all workers"), "cheaper-initial cheaper-step cheaper-algo " +
		"cheaper-overload"},
	{manualWith("the host does not change the root folder: use a container: %s"), "chroot"},
	{manualWith("give the capabilities to the unit of systemd: %s"), "cap"},
	{manualWith("set limits { memory, cpu, processes }: %s"), "cgroup"},
	{manualWith("use a container: %s"), "pivot-root setns"},
	{manual("apps never run as root"), "as-root"},
	{drop(names), "procname procname-prefix procname-prefix-spaced procname-append " +
		"procname-master auto-procname"},
	{drop(upgrades), "zerg zerg-server exit-on-reload"},
}

func addedGroups(c *config, o pyapp.Option) pyapp.Outcome {
	list, _ := c.Get("groups").([]string)
	c.Set("groups", append(list, strings.Fields(o.Text())...))
	return pyapp.Translated("groups")
}

func addressSpace(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("the host counts resident memory, which is less than the address space: set recycle { memory } to what a worker may use, instead of %s MiB", o.Text())
}
