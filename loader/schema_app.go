package loader

import "github.com/modgw/modgw/modgw"

// appBlock returns the schema of an app block, which is decoded into d.
func appBlock(d *modgw.Descriptor) block {
	return block{
		name:     "app",
		label:    "name of the app",
		labelled: appName(&d.Name),
		repeat:   true,
		doc: "One app: a program, where it is mounted, and how it runs. A file may have several. The name is letters, " +
			"digits, \"-\", \"_\" and \".\", at most 64.",
		args: []argument{
			{name: "root", value: rootDir(&d.Root), note: "path.dir, the folder of the descriptor",
				doc: "Working directory of the app. All relative paths are relative to it.", example: `"/srv/blog"`},
			{name: "user", value: text(&d.User), note: "the host's own user; for a descriptor that is not root's, its owner",
				doc: "User that the app's processes run as, when the host runs as root.", example: `"blog"`},
			{name: "group", value: text(&d.Group), note: "the user's own groups",
				doc: "Primary group that the app's processes run with.", example: `"blog"`},
			{name: "groups", value: texts(&d.Groups), note: "the user's own",
				doc: "Supplementary groups of the app's processes. A user's own descriptor may name groups that " +
					"the user is in.", example: `["blog", "media"]`},
			{name: "umask", value: umask(&d.Umask), note: "the host's",
				effect: withProgram,
				doc:    "File mode mask of the app's processes, in octal.", example: `"0027"`},
			{name: "nice", value: number(&d.Nice, -20, 19), def: 0, effect: withProgram,
				doc: "How much lower the priority of the app's processes is than the host's: 19 is the lowest. A " +
					"negative number makes it higher, which a host of root's can do, and a user's own " +
					"descriptor may not ask for.", example: `5`},
			{name: "home", value: folder(&d.Home), note: "root", effect: withProgram,
				doc: "Working directory of the app's processes, where it is another than root. Paths in the " +
					"descriptor stay relative to root, and CGI scripts run in their own folder.", example: `"/var/lib/blog"`},
			{name: "hosts", value: hostNames(&d.Hosts), note: "any host",
				doc: "Host names that the app answers for, without port. \"*.example.com\" matches every name below " +
					"example.com.", example: `["blog.example.com", "*.blog.example.com"]`},
			{name: "mount", value: mountPath(&d.Mount), def: "/",
				doc: "Where the app begins in the URL space. The longest mount that fits a request wins, at whole path " +
					"segments; it becomes SCRIPT_NAME or root_path.", example: `"/blog"`},
			{name: "mount_match", value: mountMatch(&d.MountMatch), note: "all paths below mount",
				doc: "Regular expression (RE2). The app answers only the paths whose part after mount begins with a match that ends at " +
					"a slash or with the path. What it matches belongs to the mount of the request. Apps with different ones may " +
					"share a mount with each other and with one app without; other paths go to that, or to a shorter mount.",
				example: `"/[^/]+"`},
			{name: "error_pages", value: errorPages(&d.ErrorPages), note: "the host's own pages",
				doc: "Pages below root for errors that the host answers in place of the app, by status. {incident} in a page " +
					"becomes the incident. What the app answers itself stays as it is.",
				example: `{ "503" = "errors/busy.html" }`},
			{name: "env_file", value: envFile(d),
				doc: "File of KEY=VALUE lines with more environment variables; env wins. It must exist.", example: `".env"`},
			{name: "env", value: variables(&d.Env),
				doc: "Environment variables of the app. It sees these, PATH, HOME, LANG=C.UTF-8 and TZ, and nothing of the " +
					"host's own environment. Variables of defaults are added unless the app sets them; null takes one away " +
					"that defaults or env_file have. For the kinds go and http $PORT in a value is the port that the program " +
					"should listen on.",
				example: `{ DJANGO_SETTINGS_MODULE = "blog.settings", SECRET_KEY = secret("/etc/modgw/blog.key") }`},
			{name: "build_env", value: variables(&d.BuildEnv),
				doc: "Environment variables for builds: for pip, uv, go and npm, and for the command of the build block. Another " +
					"value makes another environment. Requirements files can name them, and those of env, as ${NAME}.",
				example: `{ PIP_INDEX_URL = "https://pypi.example.com/simple" }`},
			{name: "build_secrets", value: secretVariables(&d.BuildSecrets),
				doc: "Environment variables for builds that are shown nowhere, such as tokens. Another value makes no other " +
					"environment.",
				example: `{ INDEX_TOKEN = secret("/etc/modgw/blog.key") }`},
			{name: "attach", value: truth(&d.Attach), def: false, example: `true`, effect: pythonAlone,
				doc: "The host starts no worker and builds no environment; requests wait for a worker that attaches from a " +
					"debugger or an IDE, as \"modgw-host attach\" shows. For wsgi and asgi apps."},
		},
		blocks: append(kindBlocks(d),
			func() block { return pythonBlock(&d.Python) },
			func() block { return authorizeBlock(d) },
			func() block { return buildBlock(d) },
			func() block { return aliasBlock(d) },
			func() block { return sendfileBlock(d) },
			func() block { return reloadBlock(&d.Reload) },
			func() block { return timeoutsBlock(&d.Timeouts) },
			func() block { return queueBlock(&d.Queue) },
			func() block { return recycleBlock(&d.Recycle) },
			func() block { return idleBlock(&d.Idle) },
			func() block { return limitsBlock(&d.Limits) },
			func() block { return sandboxBlock(d) },
			func() block { return spoolBlock(&d.Spool) },
			func() block { return healthBlock(&d.Health) },
		),
	}
}

func pythonBlock(p *modgw.Python) block {
	return block{
		name:   "python",
		effect: withPython,
		doc: "Interpreter and packages of a wsgi or asgi app. A program of another kind runs in such an environment when its own " +
			"app block has this block, which may be empty. At most one of requirements, packages and venv.",
		either: []string{"requirements", "packages", "venv"},
		args: []argument{
			{name: "version", value: interpreter(&p.Version), note: "what the project asks for, else python3",
				doc:     "Python to run with: a version, a range, \"pypy3.9\", \"3.14t\" for free-threaded, or the path of an interpreter.",
				example: `">=3.10,<3.14"`},
			{name: "requirements", value: files(&p.Requirements), note: "found in the project",
				doc: "Requirement files to install from.", example: `["requirements.txt"]`},
			{name: "packages", value: texts(&p.Packages), note: "none",
				doc: "Packages to install, instead of files.", example: `["flask==3.1.0"]`},
			{name: "extras", value: texts(&p.Extras), note: "none",
				doc: "Optional dependencies of the project to install as well, from uv.lock, pylock.toml or pyproject.toml. With " +
					"extras or groups, requirements.txt and the entry file are not looked at.", example: `["web"]`},
			{name: "groups", value: texts(&p.Groups), note: "none",
				doc: "Dependency groups of the project to install as well (PEP 735).", example: `["prod"]`},
			{name: "venv", value: folder(&p.Venv), note: "one is built",
				doc: "An existing virtual environment that is used as it is and never changed.", example: `"/srv/blog/.venv"`},
			{name: "path", value: paths(&p.Path), note: "none",
				doc: "Extra entries of sys.path; for programs of other kinds the beginning of PYTHONPATH.", example: `["lib"]`},
			{name: "template", value: untruth(&p.NoTemplate), def: true, example: `false`,
				doc: "Whether workers may be forked from a process that has the modules of the environment loaded already. For wsgi " +
					"and asgi apps."},
			{name: "metrics", value: untruth(&p.NoMetrics), def: true, example: `false`,
				doc: "Whether the metrics that the app makes with prometheus_client are added up over all workers and shown by the " +
					"host, with the label app. For wsgi and asgi apps."},
			{name: "opentelemetry", value: truth(&p.OpenTelemetry), def: false, example: `true`,
				doc: "Whether each worker starts the app's own OpenTelemetry before it loads the app, as opentelemetry-instrument " +
					"does. The app's environment must have it. For wsgi and asgi apps."},
		},
	}
}

func authorizeBlock(d *modgw.Descriptor) block {
	a := new(modgw.Authorize)
	return block{
		name: "authorize", presence: whenWritten, effect: wsgiAlone,
		doc: "Lets a web server ask whether requests for something else may pass (FastCGI authorizer role, Apache's " +
			"mod_authnz_fcgi). For wsgi apps; the callables are those of mod_wsgi.",
		args: []argument{
			{name: "check_password", value: entry(&a.CheckPassword, "check_password"),
				doc:     "check_password(environ, user, password): True, a name for the user, False, or None for one who is not known.",
				example: `"accounts:check_password"`},
			{name: "groups_for_user", value: entry(&a.GroupsForUser, "groups_for_user"),
				doc: "groups_for_user(environ, user): the user's groups.", example: `"accounts:groups_for_user"`},
			{name: "groups", value: texts(&a.Groups), note: "any user will do",
				doc: "Groups of which the user must be in one.", example: `["editors"]`},
			{name: "allow_access", value: entry(&a.AllowAccess, "allow_access"),
				doc: "allow_access(environ, host): True, False, a name for the user, or None to leave it to the others.", example: `"accounts:allow_access"`},
		},
		done: func() { d.Authorize = a },
	}
}

func buildBlock(d *modgw.Descriptor) block {
	b := new(modgw.Build)
	return block{
		name: "build", presence: whenWritten,
		doc: "A command that makes files of the app from others, such as a front end from its sources. It runs in root, as " +
			"the app's user, before the app is started, and only when what it is made from has changed.",
		args: []argument{
			{name: "command", value: command(&b.Command), required: true, doc: "Program and arguments; no shell is involved.",
				example: `["npm", "run", "build"]`},
			{name: "inputs", value: globs(&b.Inputs), note: "none: it runs once",
				doc:     "Globs, relative to root, of the files that the command reads. What it writes must not be among them.",
				example: `["frontend/**"]`},
		},
		done: func() { d.Build = b },
	}
}

func aliasBlock(d *modgw.Descriptor) block {
	a := new(modgw.Alias)
	return block{
		name:     "alias",
		label:    "URL path below the mount",
		labelled: aliasPath(&a.Path),
		repeat:   true,
		either:   []string{"dir", "file"},
		needed:   true,
		doc: "A folder, or one file, that the host serves itself, and the web server in the generated configuration, without " +
			"asking the app. The longest path wins.",
		args: append([]argument{
			{name: "dir", value: path(&a.Dir), doc: "The folder whose files are below the path.", example: `"static"`},
			{name: "file", value: path(&a.File), doc: "The file that the path itself means.", example: `"static/favicon.ico"`},
		}, fileArguments(&a.Files)...),
		done: func() { d.Aliases = append(d.Aliases, *a) },
	}
}

func sendfileBlock(d *modgw.Descriptor) block {
	f := new(modgw.Sendfile)
	return block{
		name:     "sendfile",
		label:    "URL path",
		labelled: aliasPath(&f.Path),
		repeat:   true,
		effect:   withProgram,
		doc: "A folder whose files the app may name in place of sending them: by their path in X-Sendfile, or below the URL " +
			"path, which no client can ask for, in X-Accel-Redirect. The host sends them when the app has returned. Without " +
			"such a block a response with one of these headers is an error, and no client ever gets them.",
		args: []argument{
			{name: "dir", value: path(&f.Dir), required: true, doc: "The folder.", example: `"private"`},
			{name: "front", value: truth(&f.Front), def: false, example: `true`,
				doc: "The web server in front sends the files: it gets the header. Without a web server in front the host sends them."},
		},
		done: func() { d.Sendfiles = append(d.Sendfiles, *f) },
	}
}

func reloadBlock(r *modgw.Reload) block {
	return block{
		name: "reload",
		doc:  "Which changes of files make the host replace the app's processes, and when.",
		args: []argument{
			{name: "mode", value: oneOf(&r.Mode, modgw.ReloadAuto, modgw.ReloadInotify, modgw.ReloadPoll, modgw.ReloadTouch, modgw.ReloadOff),
				def: "auto", example: `"touch"`, doc: "How changes are noticed. auto is inotify where its events can be trusted and polling elsewhere; " +
					"touch reloads only when the descriptor or the entry file changes."},
			{name: "watch", value: globs(&r.Watch), note: "none",
				doc: "Globs of files that count beside the code, relative to root or absolute.", example: `["templates/**"]`},
			{name: "ignore", value: globs(&r.Ignore), note: "none",
				doc: "Globs, relative to root, of files that never count.", example: `["media/**"]`},
			{name: "strategy", value: oneOf(&r.Strategy, modgw.SideBySide, modgw.OneByOne),
				def: "side-by-side", example: `"one-by-one"`, doc: "side-by-side starts all new workers before the old ones end. one-by-one starts one, " +
					"lets the old ones end, and then starts the rest: for machines without the memory for both."},
			{name: "settle", value: duration(&r.Settle), def: "100ms", example: `"300ms"`,
				doc: "How long it must be quiet after a change."},
			{name: "max_settle", value: duration(&r.MaxSettle), def: "1.5s", example: `"5s"`,
				doc: "How long further changes can put a reload off."},
		},
	}
}

func timeoutsBlock(t *modgw.Timeouts) block {
	return block{
		name: "timeouts",
		doc:  "How long the host waits for the app.",
		args: []argument{
			{name: "startup", value: positive(&t.Startup), def: "60s", example: `"2m"`, doc: "From starting a worker until it is ready."},
			{name: "request", value: duration(&t.Request), def: "60s", example: `"30s"`,
				doc: "From handing a request to a worker until its response is complete. \"0s\": no limit."},
			{name: "slow", value: duration(&t.Slow), def: "0s", example: `"2s"`,
				doc: "A request that the app has had for so long is logged, with the line of the app where it is. Event streams and " +
					"WebSockets are not. \"0s\": none is."},
			{name: "interrupt", value: duration(&t.Interrupt), def: "1s", example: `"5s"`,
				doc: "How long a wsgi app may take to end a request whose time is up. The thread that runs it gets an exception, " +
					"RequestTimeout, and its worker is replaced if the request has not ended then. \"0s\": no exception, the worker " +
					"is replaced at once."},
			{name: "drain", value: duration(&t.Drain), def: "30s", example: `"10m"`,
				doc: "How long replaced workers may finish their requests."},
			{name: "websocket_drain", value: duration(&t.WebSocketDrain), def: "5s", example: `"30s"`,
				doc: "The same for WebSockets and event streams."},
			{name: "stop", value: duration(&t.Stop), def: "10s", example: `"30s"`, doc: "From SIGTERM to SIGKILL."},
		},
	}
}

func queueBlock(q *modgw.Queue) block {
	return block{
		name:   "queue",
		effect: withProgram,
		doc:    "Requests that wait for a free worker. One beyond is answered 503 with Retry-After.",
		args: []argument{
			{name: "max", value: number(&q.Max, 0, 1<<20), def: 100, example: `500`, doc: "How many may wait. 0: none."},
			{name: "timeout", value: duration(&q.Timeout), def: "10s", example: `"30s"`, doc: "How long one may wait. \"0s\": no limit."},
		},
	}
}

func recycleBlock(r *modgw.Recycle) block {
	return block{
		name:   "recycle",
		effect: withWorkers,
		doc:    "When a worker is replaced by a fresh one, which is ready before the old one retires. Zero: never.",
		args: []argument{
			{name: "requests", value: number(&r.Requests, 0, 1<<31-1), def: 0, example: `10000`, doc: "After so many requests."},
			{name: "age", value: duration(&r.Age), def: "0s", example: `"24h"`, doc: "After so long."},
			{name: "memory", value: size(&r.Memory), def: "0", doc: "When it uses so much memory.", example: `"512MiB"`},
			{name: "cpu", value: duration(&r.CPU), def: "0s", doc: "When it has used so much processor time.", example: `"1h"`},
			{name: "jitter", value: fraction(&r.Jitter), def: 0.1, example: `0.2`,
				doc: "Spreads each limit, so that workers do not retire together: 0.1 is ±10 %."},
		},
	}
}

func idleBlock(i *modgw.Idle) block {
	return block{
		name:   "idle",
		effect: withWorkers,
		doc:    "When an app without requests has processes.",
		args: []argument{
			{name: "start", value: oneOf(&i.Start, modgw.StartEager, modgw.StartOnDemand), def: "eager", example: `"on-demand"`,
				doc: "Whether the app starts with the host or with its first request."},
			{name: "sleep_after", value: duration(&i.SleepAfter), def: "0s", example: `"10m"`,
				doc: "The app's processes are frozen after so long without a request, until the next one comes. \"0s\": never."},
			{name: "stop_after", value: duration(&i.StopAfter), def: "0s", example: `"15m"`,
				doc: "Workers are stopped after so long without a request. \"0s\": never."},
		},
		check: func(w written) {
			if i.SleepAfter > 0 {
				w.checkUnfrozen()
			}
		},
	}
}

func limitsBlock(l *modgw.Limits) block {
	return block{
		name: "limits",
		doc:  "What the app may use. Zero: no limit but the system's.",
		args: []argument{
			{name: "body", value: size(&l.Body), def: "64MiB", example: `"1GiB"`, doc: "Largest request body. A larger one is answered 413."},
			{name: "memory", value: size(&l.Memory), def: "0", doc: "Memory of all processes of the app together: when they need more, the kernel ends one of them. A process that asks for more " +
				"by itself gets an error. Where the host cannot make control groups, it is the private writable memory of each process.", example: `"1GiB"`},
			{name: "memory_soft", value: size(&l.MemorySoft), def: "0", example: `"768MiB"`,
				doc: "Memory beyond which the app is slowed down and its memory is taken back first."},
			{name: "build_memory", value: size(&l.BuildMemory), def: "0", note: "0: three quarters of the machine's memory",
				doc: "Memory of each process that makes the environment or runs the build command.", example: `"2GiB"`},
			{name: "cpu", value: cpus(&l.CPU), def: "0", doc: "Processors that all processes of the app may use together: \"0.5\" is half of one.", example: `"1.5"`},
			{name: "cpu_weight", value: number(&l.CPUWeight, 0, 10000), def: 0, note: "0: 100", example: `50`,
				doc: "Share of the processors when all apps want more than there are."},
			{name: "io_weight", value: number(&l.IOWeight, 0, 10000), def: 0, note: "0: 100", example: `50`,
				doc: "Share of the disks when all apps want more than they can do."},
			{name: "files", value: number(&l.Files, 0, 1<<30), def: 0, example: `4096`, doc: "Open files of each worker."},
			{name: "stack", value: size(&l.Stack), def: "0", doc: "Stack of each thread of the app's processes.", example: `"1MiB"`},
			{name: "processes", value: number(&l.Processes, 0, 1<<22), def: 0, example: `200`, doc: "Processes and threads of the app. Where the host cannot make control groups, those of the app's user together."},
		},
		check: func(w written) { w.checkUnenforced() },
	}
}

func spoolBlock(s *modgw.Spool) block {
	return block{
		name: "spool",
		doc: "What the host keeps of bodies, in memory and then in files of its state folder, so that a slow client holds no " +
			"worker. `spool` in the host's own file bounds all apps together.",
		args: []argument{
			{name: "upload", value: size(&s.Upload), def: "64MiB", example: `"256MiB"`,
				doc: "How much of a request body is there before a worker gets the request. What is beyond is passed on as it " +
					"comes. 0: all of it is. Apps of the kinds asgi, go and http get every body as it comes."},
			{name: "response", value: size(&s.Response), def: "64MiB", example: `"16MiB"`,
				doc: "How much of a response is kept while its client is behind. Beyond, the app waits for the client. 0: it always does."},
			{name: "total", value: size(&s.Total), def: "1GiB", example: `"4GiB"`,
				doc: "Both, of all requests of the app together. An upload beyond is answered 503, a response beyond waits for its " +
					"client. 0: nothing is kept."},
		},
	}
}

func healthBlock(h *modgw.Health) block {
	return block{
		name:   "health",
		effect: withProgram,
		doc:    "A request that new workers must answer with a status below 400 before they take over.",
		args: []argument{
			{name: "path", value: urlPath(&h.Path), note: "no request is made",
				doc: "URL path below the mount.", example: `"/healthz"`},
			{name: "timeout", value: positive(&h.Timeout), def: "5s", example: `"2s"`, doc: "How long the answer may take."},
		},
	}
}
