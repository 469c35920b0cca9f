package loader

import "github.com/modgw/modgw/modgw"

// appBlock returns the schema of an app block, which is decoded into d.
func appBlock(d *modgw.Descriptor) block {
	return block{
		name:     "app",
		label:    "name of the app",
		labelled: appName(&d.Name),
		repeat:   true,
		doc: "One app: a program, its mount, and how it runs. A file may contain several apps. The name consists " +
			"of at most 64 letters, digits, \"-\", \"_\" and \".\".",
		args: []argument{
			{name: "root", value: rootDir(&d.Root), note: "path.dir, the folder of the descriptor",
				doc: "Working directory of the app. All relative paths are relative to it.", example: `"/srv/blog"`},
			{name: "user", value: text(&d.User), note: "the host's own user; if another user than root owns the " +
				"descriptor, that user",
				doc: "User that the app's processes run as, if the host runs as root.", example: `"blog"`},
			{name: "group", value: text(&d.Group), note: "the user's own groups",
				doc: "Primary group that the app's processes run with.", example: `"blog"`},
			{name: "groups", value: texts(&d.Groups), note: "the user's own",
				doc: "Supplementary groups of the app's processes. A descriptor of a user may name groups that " +
					"the user is in.", example: `["blog", "media"]`},
			{name: "umask", value: umask(&d.Umask), note: "the host's",
				effect: withProgram,
				doc:    "File mode mask of the app's processes, in octal.", example: `"0027"`},
			{name: "nice", value: number(&d.Nice, -20, 19), def: 0, effect: withProgram,
				doc: "How much lower the priority of the app's processes is than the host's: 19 is the lowest. A " +
					"negative number makes it higher. For that the host must run as root; a descriptor of a user " +
					"may not use it.", example: `5`},
			{name: "home", value: folder(&d.Home), note: "root", effect: withProgram,
				doc: "Working directory of the app's processes, if it differs from root. Paths in the descriptor " +
					"stay relative to root, and CGI scripts run in their own folder.", example: `"/var/lib/blog"`},
			{name: "hosts", value: hostNames(&d.Hosts), note: "any host",
				doc: "Host names of the app, without port. \"*.example.com\" matches every name below example.com.", example: `["blog.example.com", "*.blog.example.com"]`},
			{name: "mount", value: mountPath(&d.Mount), def: "/",
				doc: "Path where the app begins in the URL space. The longest mount that matches a request wins, " +
					"at whole path segments; it becomes SCRIPT_NAME or root_path.", example: `"/blog"`},
			{name: "mount_match", value: mountMatch(&d.MountMatch), note: "all paths below mount",
				doc: "Regular expression (RE2). The app answers only paths whose part after mount begins with a " +
					"match that ends at a slash or at the end of the path. The match belongs to the mount of the " +
					"request. Apps with different expressions may share a mount with each other and with one app " +
					"that has none; other paths go to that app, or to a shorter mount.",
				example: `"/[^/]+"`},
			{name: "error_pages", value: errorPages(&d.ErrorPages), note: "the host's own pages",
				doc: "Pages below root for errors that the host answers instead of the app, by status. " +
					"{incident} in a page becomes the incident. The host does not change the app's own answers.",
				example: `{ "503" = "errors/busy.html" }`},
			{name: "env_file", value: envFile(d),
				doc: "File of KEY=VALUE lines with more environment variables; env wins. It must exist.", example: `".env"`},
			{name: "env", value: variables(&d.Env),
				doc: "Environment variables of the app. It gets these, PATH, HOME, LANG=C.UTF-8 and TZ, and " +
					"nothing else of the host's environment. Variables of defaults are added unless the app sets " +
					"them; null removes a variable of defaults or env_file. For the kinds go and http, $PORT in " +
					"a value is the port on which the program should listen.",
				example: `{ DJANGO_SETTINGS_MODULE = "blog.settings", SECRET_KEY = secret("/etc/modgw/blog.key") }`},
			{name: "build_env", value: variables(&d.BuildEnv),
				doc: "Environment variables for builds: for pip, uv, go and npm, and for the command of the " +
					"build block. If you change a value, the host builds another environment. Requirements files " +
					"can contain them, and those of env, as ${NAME}.",
				example: `{ PIP_INDEX_URL = "https://pypi.example.com/simple" }`},
			{name: "build_secrets", value: secretVariables(&d.BuildSecrets),
				doc: "Environment variables for builds that are never shown, such as tokens. If you change a " +
					"value, the host does not build another environment.",
				example: `{ INDEX_TOKEN = secret("/etc/modgw/blog.key") }`},
			{name: "attach", value: truth(&d.Attach), def: false, example: `true`, effect: pythonAlone,
				doc: "The host starts no worker and builds no environment; requests wait for a worker that attaches from " +
					"a debugger or an IDE, as \"modgw-host attach\" shows. Only for wsgi and asgi apps."},
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
		doc: "Interpreter and packages of a wsgi or asgi app. A program of another kind runs in such an environment if " +
			"its app block has this block, which may be empty. Set at most one of requirements, packages and venv.",
		either: []string{"requirements", "packages", "venv"},
		args: []argument{
			{name: "version", value: interpreter(&p.Version), note: "the version that the project requires, else python3",
				doc: "Python for the app: a version, a range, \"pypy3.9\", \"3.14t\" for free-threaded, or " +
					"the path of an interpreter.",
				example: `">=3.10,<3.14"`},
			{name: "requirements", value: existingFiles(&p.Requirements), note: "found in the project",
				doc: "Requirement files to install from.", example: `["requirements.txt"]`},
			{name: "packages", value: texts(&p.Packages), note: "none",
				doc: "Packages to install, instead of files.", example: `["flask==3.1.0"]`},
			{name: "extras", value: texts(&p.Extras), note: "none",
				doc: "Optional dependencies of the project to install, too, from uv.lock, pylock.toml or pyproject.toml. " +
					"With extras or groups, the host does not read requirements.txt and the entry file.", example: `["web"]`},
			{name: "groups", value: texts(&p.Groups), note: "none",
				doc: "Dependency groups of the project to install, too (PEP 735).", example: `["prod"]`},
			{name: "venv", value: folder(&p.Venv), note: "one is built",
				doc: "An existing virtual environment. The host uses it and never changes it.", example: `"/srv/blog/.venv"`},
			{name: "path", value: paths(&p.Path), note: "none",
				doc: "Extra entries of sys.path; for programs of other kinds the beginning of PYTHONPATH.", example: `["lib"]`},
			{name: "template", value: untruth(&p.NoTemplate), def: true, example: `false`,
				doc: "Whether the host may fork workers from a process that has already loaded the modules of " +
					"the environment. Only for wsgi and asgi apps."},
			{name: "metrics", value: untruth(&p.NoMetrics), def: true, example: `false`,
				doc: "Whether the host adds up the app's metrics of prometheus_client over all workers and shows " +
					"them, with the label app. Only for wsgi and asgi apps."},
			{name: "opentelemetry", value: truth(&p.OpenTelemetry), def: false, example: `true`,
				doc: "Whether each worker starts the app's OpenTelemetry before it loads the app, as " +
					"opentelemetry-instrument does. The app's environment must contain it. Only for wsgi and asgi apps."},
		},
	}
}

func authorizeBlock(d *modgw.Descriptor) block {
	a := new(modgw.Authorize)
	return block{
		name: "authorize", presence: whenWritten, effect: wsgiAlone,
		doc: "Lets a web server ask whether other requests may pass (FastCGI authorizer role, Apache's " +
			"mod_authnz_fcgi). Only for wsgi apps; the callables are those of mod_wsgi.",
		args: []argument{
			{name: "check_password", value: entry(&a.CheckPassword, "check_password"),
				doc:     "check_password(environ, user, password): True, a name for the user, False, or None for one who is not known.",
				example: `"accounts:check_password"`},
			{name: "groups_for_user", value: entry(&a.GroupsForUser, "groups_for_user"),
				doc: "groups_for_user(environ, user): the user's groups.", example: `"accounts:groups_for_user"`},
			{name: "groups", value: texts(&a.Groups), note: "any user will do",
				doc: "Groups; the user must be in one of them.", example: `["editors"]`},
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
		doc: "A command that creates files of the app from others, such as a front end from its sources. It runs " +
			"in root, as the app's user, before the app starts, and only if its inputs have changed.",
		args: []argument{
			{name: "command", value: command(&b.Command), required: true, doc: "Program and arguments; no shell is involved.",
				example: `["npm", "run", "build"]`},
			{name: "inputs", value: globs(&b.Inputs), note: "none: it runs once",
				doc:     "Globs, relative to root, of the files that the command reads. The command must not write to them.",
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
		doc: "A folder, or one file, that the host serves itself without asking the app; in the generated " +
			"configuration the web server serves it. The longest path wins.",
		args: append([]argument{
			{name: "dir", value: path(&a.Dir), doc: "Folder with the files below the path.", example: `"static"`},
			{name: "file", value: path(&a.File), doc: "File for the path itself.", example: `"static/favicon.ico"`},
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
		doc: "A folder of files that the app may name instead of sending them: by their path in X-Sendfile, or " +
			"in X-Accel-Redirect below the URL path, which no client can request. The host sends them when the " +
			"app has returned. Without such a block a response with one of these headers is an error. No client " +
			"ever gets these headers.",
		args: []argument{
			{name: "dir", value: path(&f.Dir), required: true, doc: "The folder.", example: `"private"`},
			{name: "front", value: truth(&f.Front), def: false, example: `true`,
				doc: "The web server in front gets the header and sends the files. If there is no web server in " +
					"front, the host sends them."},
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
				def: "auto", example: `"touch"`, doc: "How the host notices changes. auto is inotify if its events are " +
					"reliable, and polling otherwise; touch reloads only when the descriptor or the entry file changes."},
			{name: "watch", value: globs(&r.Watch), note: "none",
				doc: "Globs of files that count in addition to the code, relative to root or absolute.", example: `["templates/**"]`},
			{name: "ignore", value: globs(&r.Ignore), note: "none",
				doc: "Globs, relative to root, of files that never count.", example: `["media/**"]`},
			{name: "strategy", value: oneOf(&r.Strategy, modgw.SideBySide, modgw.OneByOne),
				def: "side-by-side", example: `"one-by-one"`, doc: "side-by-side starts all new workers before " +
					"the old ones end. one-by-one starts one, lets the old ones end, and then starts the rest; " +
					"use it if the machine lacks the memory for both."},
			{name: "settle", value: duration(&r.Settle), def: "100ms", example: `"300ms"`,
				doc: "How long files must be unchanged before the reload."},
			{name: "max_settle", value: duration(&r.MaxSettle), def: "1.5s", example: `"5s"`,
				doc: "How long further changes can delay a reload."},
		},
	}
}

func timeoutsBlock(t *modgw.Timeouts) block {
	return block{
		name: "timeouts",
		doc:  "How long the host waits for the app.",
		args: []argument{
			{name: "startup", value: positive(&t.Startup), def: "60s", example: `"2m"`, doc: "From the start of " +
				"a worker until it is ready."},
			{name: "request", value: duration(&t.Request), def: "60s", example: `"30s"`,
				doc: "From handing a request to a worker until its response is complete. \"0s\": no limit."},
			{name: "slow", value: duration(&t.Slow), def: "0s", example: `"2s"`,
				doc: "The host logs a request that the app has had for this time, with the line that the app is " +
					"executing. Event streams and WebSockets do not count. \"0s\": it logs none."},
			{name: "interrupt", value: duration(&t.Interrupt), def: "1s", example: `"5s"`,
				doc: "How long a wsgi app may take to end a request that has exceeded its time. The thread that " +
					"runs it gets an exception, RequestTimeout, and the host replaces its worker if the request " +
					"has not ended by then. \"0s\": no exception; the host replaces the worker at once."},
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
		doc:    "Requests that wait for a free worker. Further requests get 503 with Retry-After.",
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
		doc:    "When the host replaces a worker by a fresh one, which is ready before the old one retires. Zero: never.",
		args: []argument{
			{name: "requests", value: number(&r.Requests, 0, 1<<31-1), def: 0, example: `10000`, doc: "After " +
				"this number of requests."},
			{name: "age", value: duration(&r.Age), def: "0s", example: `"24h"`, doc: "After this time."},
			{name: "memory", value: size(&r.Memory), def: "0", doc: "When it uses this much memory.", example: `"512MiB"`},
			{name: "cpu", value: duration(&r.CPU), def: "0s", doc: "When it has used this much processor time.", example: `"1h"`},
			{name: "jitter", value: fraction(&r.Jitter), def: 0.1, example: `0.2`,
				doc: "Spreads each limit, so that workers do not retire together: 0.1 is ±10 %."},
		},
	}
}

func idleBlock(i *modgw.Idle) block {
	return block{
		name:   "idle",
		effect: withWorkers,
		doc:    "What happens to the processes of an app without requests.",
		args: []argument{
			{name: "start", value: oneOf(&i.Start, modgw.StartEager, modgw.StartOnDemand), def: "eager", example: `"on-demand"`,
				doc: "Whether the app starts with the host or with its first request."},
			{name: "sleep_after", value: duration(&i.SleepAfter), def: "0s", example: `"10m"`,
				doc: "The host freezes the app's processes after this time without a request, until the next one " +
					"arrives. \"0s\": never."},
			{name: "stop_after", value: duration(&i.StopAfter), def: "0s", example: `"15m"`,
				doc: "The host stops the workers after this time without a request. \"0s\": never."},
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
		doc:  "What the app may use. Zero: only the system's limits.",
		args: []argument{
			{name: "body", value: size(&l.Body), def: "64MiB", example: `"1GiB"`, doc: "Largest request body. A " +
				"larger one gets 413."},
			{name: "memory", value: size(&l.Memory), def: "0", doc: "Memory of all processes of the app together: if " +
				"they need more, the kernel ends one of them. A single process that asks for more gets an error. If the " +
				"host cannot create control groups, the private writable memory of each process.", example: `"1GiB"`},
			{name: "memory_soft", value: size(&l.MemorySoft), def: "0", example: `"768MiB"`,
				doc: "Memory above which the kernel slows the app down and reclaims its memory first."},
			{name: "build_memory", value: size(&l.BuildMemory), def: "0", note: "0: three quarters of the machine's memory",
				doc: "Memory of each process that builds the environment or runs the build command.", example: `"2GiB"`},
			{name: "cpu", value: cpus(&l.CPU), def: "0", doc: "Processors that all processes of the app may use together: \"0.5\" is half of one.", example: `"1.5"`},
			{name: "cpu_weight", value: number(&l.CPUWeight, 0, 10000), def: 0, note: "0: 100", example: `50`,
				doc: "Share of the processors if the apps together need more than there are."},
			{name: "io_weight", value: number(&l.IOWeight, 0, 10000), def: 0, note: "0: 100", example: `50`,
				doc: "Share of the disks if the apps together need more than the disks can do."},
			{name: "files", value: number(&l.Files, 0, 1<<30), def: 0, example: `4096`, doc: "Open files of each worker."},
			{name: "stack", value: size(&l.Stack), def: "0", doc: "Stack of each thread of the app's processes.", example: `"1MiB"`},
			{name: "processes", value: number(&l.Processes, 0, 1<<22), def: 0, example: `200`, doc: "Processes and " +
				"threads of the app. If the host cannot create control groups, those of the app's user together."},
		},
		check: func(w written) { w.checkUnenforced() },
	}
}

func spoolBlock(s *modgw.Spool) block {
	return block{
		name: "spool",
		doc: "How much of bodies the host keeps, in memory and then in files of its state folder, so that a slow " +
			"client occupies no worker. `spool` in the host's file limits all apps together.",
		args: []argument{
			{name: "upload", value: size(&s.Upload), def: "64MiB", example: `"256MiB"`,
				doc: "How much of a request body the host reads before a worker gets the request. It passes the " +
					"rest on as it arrives. 0: it passes on everything as it arrives. Apps of the kinds asgi, go " +
					"and http get every body as it arrives."},
			{name: "response", value: size(&s.Response), def: "64MiB", example: `"16MiB"`,
				doc: "How much of a response the host keeps if its client is slower than the app. Beyond that, " +
					"the app waits for the client. 0: it always waits."},
			{name: "total", value: size(&s.Total), def: "1GiB", example: `"4GiB"`,
				doc: "Both limits, for all requests of the app together. An upload beyond it gets 503; a " +
					"response beyond it waits for its client. 0: the host keeps nothing."},
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
