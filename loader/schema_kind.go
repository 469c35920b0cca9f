package loader

import "github.com/modgw/modgw/modgw"

// kindBlocks are the blocks of which an app has exactly one.
func kindBlocks(d *modgw.Descriptor) []func() block {
	return []func() block{
		func() block { return wsgiBlock(d) },
		func() block { return asgiBlock(d) },
		func() block { return goBlock(d) },
		func() block { return httpBlock(d) },
		func() block { return fastcgiBlock(d) },
		func() block { return cgiBlock(d) },
		func() block { return staticBlock(d) },
	}
}

const (
	entryDoc = "The app: a file (its callable is `application`, else `app`), \"package.module:callable\", or a factory, " +
		"\"package.module:create_app()\", whose arguments are literals: \"pyramid.paster:get_app('production.ini')\"."
	stripDoc = "Removes the mount from the path that the program gets; X-Forwarded-Prefix contains it in either case."
)

// workersArgument is the number of processes of a program.
func workersArgument(least, most *int, note string) argument {
	return argument{
		name: "workers", value: workerCount(least, most), def: 0, note: note,
		doc:     "Processes. With { min, max } as many of them as the load needs: docs/scaling.md says how it is measured.",
		example: `{ min = 1, max = 8 }`,
	}
}

func wsgiBlock(d *modgw.Descriptor) block {
	w := new(modgw.WSGI)
	return block{
		name: "wsgi", presence: whenWritten, kind: true,
		doc: "Runs a Python WSGI app (PEP 3333).",
		args: []argument{
			{name: "entry", value: entry(&w.Entry, "application"), required: true, doc: entryDoc, example: `"blog.wsgi"`},
			workersArgument(&w.Workers, &w.MaxWorkers, "0: number of CPUs in serve, 1 in dev"),
			{name: "threads", value: number(&w.Threads, 0, 1024), def: 0, example: `8`, note: "0: 5; with free-threaded Python 4 for each CPU, at least 5; with gevent 200",
				doc: "Requests that one worker executes at once. The default is that of mod_wsgi-express, because apps " +
					"wait for databases more than they compute. Use 1 for an app that is not thread-safe."},
			{name: "concurrency", value: oneOf(&w.Concurrency, modgw.Threads, modgw.Gevent), def: "threads", example: `"gevent"`,
				doc: "What executes these requests. With gevent each request is a greenlet, and waiting costs " +
					"almost nothing; the app's environment must contain gevent."},
			{name: "compat", value: oneOf(&w.Compat, modgw.ModWSGI), note: "none", example: `"mod_wsgi"`,
				doc: "The server whose extensions the app needs: environ has the keys `mod_wsgi.*`, and the module " +
					"mod_wsgi publishes the events of requests. The app can import the module without this setting, too."},
		},
		done: func() { d.Kind, d.WSGI = modgw.KindWSGI, w },
	}
}

func asgiBlock(d *modgw.Descriptor) block {
	a := new(modgw.ASGI)
	return block{
		name: "asgi", presence: whenWritten, kind: true,
		doc: "Runs a Python ASGI app.",
		args: []argument{
			{name: "entry", value: entry(&a.Entry, "app"), required: true, doc: entryDoc, example: `"api.main:app"`},
			workersArgument(&a.Workers, &a.MaxWorkers, "0: number of CPUs in serve, 1 in dev"),
			{name: "concurrency", value: number(&a.Concurrency, 1, 1<<20), def: 1000, example: `200`,
				doc: "Requests that one worker has at once; further requests wait in the queue."},
			{name: "websockets", value: number(&a.WebSockets, 0, 1<<20), def: 10000, example: `1000`,
				doc: "WebSockets that one worker has open at once, in addition to its requests. A further " +
					"WebSocket gets 503. 0: none."},
			{name: "lifespan", value: oneOf(&a.Lifespan, modgw.LifespanAuto, modgw.LifespanOn, modgw.LifespanOff), def: "auto", example: `"off"`,
				doc: "Whether the app starts and shuts down with ASGI's lifespan. auto: an app that raises " +
					"before it receives lifespan.startup does not support it. on: such an app cannot start. off: " +
					"the app gets no lifespan events."},
			{name: "resume", value: truth(&a.Resume), def: false, example: `true`,
				doc: "WebSockets and event streams stay open when the app is reloaded or a worker is replaced: " +
					"clients stay connected, and the host repeats their requests to the new worker."},
		},
		done: func() { d.Kind, d.ASGI = modgw.KindASGI, a },
	}
}

func goBlock(d *modgw.Descriptor) block {
	g := new(modgw.Go)
	return block{
		name: "go", presence: whenWritten, kind: true,
		doc: "Builds a Go package of the app's module and runs it. The program serves HTTP on $PORT or on the " +
			"inherited socket (LISTEN_FDS).",
		args: []argument{
			{name: "package", value: text(&g.Package), def: ".", doc: "The main package.", example: `"./cmd/shop"`},
			{name: "args", value: withPort(texts(&g.Args)), note: "none",
				doc: "Arguments of the program. $PORT in them is the port on which it should listen.", example: `["-port", "$PORT"]`},
			workersArgument(&g.Workers, &g.MaxWorkers, "0: one"),
			{name: "strip_mount", value: truth(&g.StripMount), def: false, example: `true`, doc: stripDoc},
		},
		done: func() { d.Kind, d.Go = modgw.KindGo, g },
	}
}

func httpBlock(d *modgw.Descriptor) block {
	h := new(modgw.HTTP)
	return block{
		name: "http", presence: whenWritten, kind: true,
		doc: "Runs any program that serves HTTP on $PORT or on the inherited socket (LISTEN_FDS).",
		args: []argument{
			{name: "command", value: withPort(command(&h.Command)), required: true,
				doc: "Program and arguments; the host uses no shell. $PORT in an argument is the port on " +
					"which the program should listen.",
				example: `["node", "server.js"]`},
			workersArgument(&h.Workers, &h.MaxWorkers, "0: one"),
			{name: "strip_mount", value: truth(&h.StripMount), def: false, example: `true`, doc: stripDoc},
			{name: "keep_packages", value: truth(&h.KeepPackages), def: false, example: `true`,
				doc: "The host installs nothing from the package-lock.json of a Node.js program, because its " +
					"packages are installed already or the build block installs them."},
		},
		done: func() { d.Kind, d.HTTP = modgw.KindHTTP, h },
	}
}

func fastcgiBlock(d *modgw.Descriptor) block {
	f := new(modgw.FastCGI)
	return block{
		name: "fastcgi", presence: whenWritten, kind: true, either: []string{"command", "connect"}, needed: true,
		doc: "Runs a FastCGI program, or connects to one that already runs. Exactly one of command and connect " +
			"is required.",
		args: []argument{
			{name: "command", value: command(&f.Command), doc: "Program and arguments; its listening socket is file descriptor 0.",
				example: `["php-cgi"]`},
			{name: "connect", value: listenAddress(&f.Connect), doc: "Address of a running program.",
				example: `"unix:/run/php/php-fpm.sock"`},
			{name: "script_root", value: path(&f.ScriptRoot), note: "root for PHP; other programs answer all paths themselves",
				doc: "Folder of scripts that the program executes (`*.php`): SCRIPT_FILENAME is in it.", example: `"public"`},
			{name: "index", value: scriptName(&f.Index), def: "index.php",
				doc: "Script that answers for a folder. The one in script_root also answers for each path " +
					"that matches no file.",
				example: `"adminer.php"`},
			workersArgument(&f.Workers, &f.MaxWorkers, "0: one"),
			{name: "php_ini", value: variables(&f.INI),
				doc:     "Settings of PHP for this app, as in php.ini: options of command, or PHP_ADMIN_VALUE for the PHP-FPM at connect.",
				example: `{ upload_max_filesize = "20M", memory_limit = "256M" }`},
			{name: "concurrency", value: number(&f.Concurrency, 0, 1<<16), def: 0, note: "0: what the program says, else one; 64 for connect",
				doc: "Requests at once in each process of command, or in connect as a whole. Threaded programs " +
					"of the development kit report one, and can handle more.", example: `8`},
		},
		done: func() { d.Kind, d.FastCGI = modgw.KindFastCGI, f },
	}
}

func cgiBlock(d *modgw.Descriptor) block {
	c := new(modgw.CGI)
	return block{
		name: "cgi", presence: whenWritten, kind: true, either: []string{"dir", "script"}, needed: true,
		doc: "Runs one process for each request (RFC 3875). Exactly one of dir and script is required.",
		args: []argument{
			{name: "dir", value: folder(&c.Dir), doc: "Folder of scripts; the path segment after the mount names one.",
				example: `"cgi-bin"`},
			{name: "script", value: file(&c.Script), doc: "One script for all requests.", example: `"hello.cgi"`},
			{name: "concurrency", value: number(&c.Concurrency, 1, 1<<16), def: 10, example: `4`,
				doc: "Scripts that run at once; further requests wait in the queue."},
		},
		done: func() { d.Kind, d.CGI = modgw.KindCGI, c },
	}
}

func staticBlock(d *modgw.Descriptor) block {
	s := new(modgw.Static)
	return block{
		name: "static", presence: whenWritten, kind: true,
		doc: "Serves files.",
		args: append([]argument{
			{name: "dir", value: folder(&s.Dir), required: true, doc: "The folder.", example: `"public"`},
		}, fileArguments(&s.Files)...),
		done: func() { d.Kind, d.Static = modgw.KindStatic, s },
	}
}
