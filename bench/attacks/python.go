package main

// Answers of an app whose attack was denied, and of an app that does not get to answer.
const (
	denied   = `^denied`
	noAnswer = `^(denied|cut off|50[0-9])`
)

// Protections that stop most attacks.
const (
	permissions = "file permissions, and the sandbox (Landlock)"
	landlock    = "the sandbox (Landlock)"
	filter      = "the sandbox (filter of system calls)"
	addresses   = "the sandbox (filter of addresses)"
	ownProc     = "the sandbox (a `/proc` of its own)"
	otherUser   = "each tenant has a user, and the sandbox (Landlock)"
)

// python returns an attack of the Python app; says is the pattern for the log.
func python(name, by, says, path string) *attack {
	return &attack{name: name, from: "Python", path: path, denied: denied, says: says, by: by}
}

// dear marks an attack as one that uses up resources that the neighbour needs.
func (a *attack) dear() *attack {
	a.costs = true
	return a
}

// withoutAnswer marks an attack after which the app need not answer.
func (a *attack) withoutAnswer() *attack {
	a.denied = noAnswer
	return a
}

// ofPython returns the attacks of an app in Python.
func ofPython() []*attack {
	const (
		forbidden = `PermissionError: .*`
		noFile    = `FileNotFoundError: .*`
	)
	return []*attack{
		python("read the neighbour's private file", permissions, forbidden+`secret\.txt`, ask("read", "path", "{{dir}}/apps/neighbour/secret.txt")),
		python("read a file that the neighbour left open", landlock, forbidden+`open\.txt`, ask("read", "path", "{{dir}}/apps/neighbour/open.txt")),
		python("list the neighbour's folder", landlock, forbidden+`neighbour`, ask("names", "path", "{{dir}}/apps/neighbour")),
		python("change the neighbour's code", permissions, forbidden+`neighbour\.py`, ask("write", "path", "{{dir}}/apps/neighbour/neighbour.py")),
		python("write bytecode for the neighbour", permissions, forbidden+`__pycache__|`+noFile, ask("write", "path", "{{dir}}/apps/neighbour/__pycache__/neighbour.cpython-311.pyc")),
		python("read by a link in the own folder", landlock, forbidden+`link-`, ask("link", "path", "{{dir}}/apps/neighbour/open.txt")),
		python("read by a hard link", landlock, `(PermissionError|OSError): .*open\.txt`, ask("hardlink", "path", "{{dir}}/apps/neighbour/open.txt")),
		python("read /etc/shadow", permissions, forbidden+`shadow`, ask("read", "path", "/etc/shadow")),
		python("read the host's state", permissions, forbidden+`claims\.json`, ask("read", "path", "{{dir}}/state/claims.json")),
		python("write to the host's state", permissions, forbidden+`claims\.json`, ask("write", "path", "{{dir}}/state/claims.json")),
		python("read the neighbour's environment", ownProc, noFile+`environ`, ask("read", "path", "/proc/{{pid}}/environ")),
		python("read the neighbour's memory", ownProc, noFile+`mem`, ask("read", "path", "/proc/{{pid}}/mem")),
		python("read memory by process_vm_readv", filter, `process_vm_readv: Operation not permitted`, ask("vm_read", "pid", "{{pid}}")),
		python("trace the neighbour's worker", filter, `ptrace: Operation not permitted`, ask("ptrace", "pid", "{{pid}}")),
		python("take an open file of the neighbour", filter, `syscall: (Operation not permitted|No such process)`, ask("pidfd", "pid", "{{pid}}")),
		python("see processes of others", ownProc, `there are none`, ask("processes")),
		python("kill the neighbour's worker", otherUser, `PermissionError: .*Operation not permitted`, ask("kill", "pid", "{{pid}}")),
		python("kill the host", otherUser, `PermissionError: .*Operation not permitted`, ask("kill", "pid", "{{host}}")),
		python("trace the own parent", filter, `ptrace: Operation not permitted`, ask("parent", "action", "ptrace")),
		python("lower the neighbour's priority", otherUser, `PermissionError: .*Operation not permitted`, ask("priority", "pid", "{{pid}}")),
		python("take the neighbour's limit of files", otherUser, `PermissionError: .*`, ask("limit", "pid", "{{pid}}")),
		python("connect to an abstract socket", landlock, forbidden, ask("abstract", "name", "{{abstract}}")),
		python("connect to the neighbour's Unix socket", "file permissions", forbidden, ask("unix", "path", "{{socket}}")),
		python("take the neighbour's Unix socket", permissions, forbidden, ask("bind_unix", "path", "{{socket}}")),
		python("connect to the neighbour's port", landlock, forbidden, ask("tcp", "address", "127.0.0.1", "port", "{{port-of-neighbour}}")),
		python("connect to another machine", landlock, forbidden, ask("tcp", "address", "{{foreign}}", "port", "{{foreignport}}")),
		python("send a datagram to another machine", filter, forbidden, ask("udp", "address", "{{foreign}}", "port", "53")),
		python("listen to the network", filter, `OSError: .*|`+forbidden, ask("raw")),
		python("take the host's port", landlock, forbidden, ask("bind", "address", "127.0.0.1", "port", "{{port}}")),
		python("read the neighbour's shared memory", "the sandbox (a `/dev/shm` of its own)", noFile+`neighbour-`, ask("read", "path", "{{shared}}")),
		python("become another user", "no capabilities", `PermissionError`, ask("become", "uid", "0")),
		python("use a set-uid program", "no_new_privs", `it runs as user 1`, ask("setuid", "path", "{{setuid}}")),
		python("make namespaces", filter, `unshare: Operation not permitted`, ask("namespaces")),
		python("mount", filter, `mount: Operation not permitted`, ask("mount")),
		python("load a program into the kernel", filter, `syscall: Operation not permitted`, ask("bpf")),
		python("load a module", filter, `syscall: Operation not permitted`, ask("module")),
		python("use io_uring", filter, `syscall: Operation not permitted`, ask("uring")),
		python("use the kernel's keyring", filter, `syscall: Operation not permitted`, ask("keyring")),
		python("set the clock", filter, `PermissionError`, ask("clock")),

		python("start processes without end", "`limits { processes }`", `BlockingIOError`, ask("fork_bomb")).dear(),
		python("start threads without end", "`limits { processes }`", `can't start new thread`, ask("threads")).dear(),
		python("take memory without end", "`limits { memory }`", `MGW-APP-\S+ .*memory|memory.*kill|ran out of memory|oom`, ask("memory_bomb")).withoutAnswer().dear(),
		python("fill shared memory", "`limits { memory }`", `No space left|memory`, ask("shared_memory_bomb")).withoutAnswer().dear(),
		python("take the processors", "`limits { cpu }`", `got 0\.\d+ of a processor`, ask("cpu_hog")).dear(),
		python("fill the log", "a budget of lines for each app", `app output dropped`, ask("log_bomb")).forges().dear(),
		python("forge a line of the log", "escapes, and the app's name in each line", `u001b|x1b`, ask("forged_log")).forges(),
		python("open files without end", "`limits { files }`", `Too many open files`, ask("files")),
		python("take all inotify instances", "the kernel's limit for each user, and `limits { files }`", `Too many open files`, ask("inotify")),
		python("fill the disk", "its files are on a file system of their own", `No space left`, ask("disk_bomb", "path", ".", "mebibytes", "64")).dear(),

		python("write rubbish to the host", "the frames of a worker are checked", `MGW-\S+.*|frame`, ask("write_wire")).withoutAnswer(),
		python("split the response by a header", "headers are checked", `header|MGW-APP`, ask("split")).withoutAnswer(),
		python("split the response by the status", "the status is checked", `status|MGW-APP`, ask("status_split")).withoutAnswer(),
		python("send a head without end", "the head is bounded", `header|head`, ask("endless_head")).withoutAnswer(),
		python("have a foreign file sent (X-Sendfile)", "files outside of `sendfile` are refused", `X-Sendfile|sendfile`, ask("sendfile", "path", "{{dir}}/apps/neighbour/open.txt")).withoutAnswer(),
		python("have a foreign file sent (file_wrapper)", permissions, `secret\.txt|Bad file`, ask("file_wrapper", "path", "{{dir}}/apps/neighbour/secret.txt")).withoutAnswer(),
		{name: "leave a process behind", from: "Python", run: leaveProcess, denied: denied,
			says: `ended processes that were left behind`, by: "the generation's control group is killed"},
	}
}

// forges marks an attack on the log. Only the log shows whether it succeeds.
func (a *attack) forges() *attack {
	a.denied = `^done wrote`
	return a
}
