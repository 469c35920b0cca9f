package main

import "context"

// golang returns an attack of the app in Go.
func golang(name, by, says, what, of string) *attack {
	return &attack{name: name, from: "Go", path: "/go" + ask(what, "of", of), denied: denied, says: says, by: by}
}

// ofGo returns the attacks of an app in Go.
func ofGo() []*attack {
	const (
		forbidden    = `permission denied`
		notPermitted = `operation not permitted`
		named        = `denied by the sandbox.*10\.99\.0\.1:5432|` + notPermitted
	)
	return []*attack{
		golang("read the neighbour's private file", permissions, `secret\.txt: `+forbidden, "read", "{{dir}}/apps/neighbour/secret.txt"),
		golang("read a file that the neighbour left open", landlock, `open\.txt: `+forbidden, "read", "{{dir}}/apps/neighbour/open.txt"),
		golang("change the host's program", permissions, forbidden+`|no such file`, "write", "{{program}}"),
		golang("read /etc/shadow by the parent's root", ownProc, `shadow: (`+forbidden+`|no such file)`, "magic", ""),
		golang("open a file by its handle", filter, `open_by_handle_at: `+notPermitted, "handle", "{{dir}}/apps/neighbour/open.txt"),
		golang("trace the neighbour's worker", filter, notPermitted, "ptrace", "{{pid}}"),
		golang("kill the neighbour's worker", otherUser, notPermitted, "kill", "{{pid}}"),
		{name: "end all processes of the user", from: "Go", run: endAll, denied: denied, says: notPermitted, by: filter},
		golang("connect to an abstract socket", landlock, notPermitted, "dial", "unix @{{abstract}}"),
		golang("connect to a granted port of another machine", addresses, named, "dial", "tcp {{foreign}}:{{foreignport}}"),
		golang("send a datagram to another machine", addresses, named, "dial", "udp {{foreign}}:{{foreignport}}"),
		golang("connect to another port of a granted machine", landlock, `dial tcp.*`+forbidden, "dial", "tcp 10.99.0.2:5431"),
		golang("take the host's port", landlock, `bind: `+forbidden, "listen", "127.0.0.1:{{port}}"),
		golang("make namespaces", filter, notPermitted, "userns", ""),
		golang("make namespaces by clone3", filter, `clone3: function not implemented`, "clone3", ""),
		golang("take memory without end", "`limits { memory }`", `memory`, "memory", "").withoutAnswer().dear(),
	}
}

// endAll ends all processes that the app may send signals to, and reports whether another app of
// the same user was among them.
func endAll(ctx context.Context, s *scene) (string, error) {
	before, err := s.attackerAnswers(ctx, "/self")
	if err != nil {
		return "", err
	}
	if _, err := s.attackerAnswers(ctx, "/go/killall"); err != nil {
		return "", err
	}
	after, err := s.attackerAnswers(ctx, "/self")
	if err != nil || before != after {
		return "done: another app's process was ended", err
	}
	return "denied: no process was ended", nil
}
