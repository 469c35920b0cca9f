package main

// cgi returns an attack of a CGI script.
func cgi(name, by, says, what, of string) *attack {
	return &attack{name: name, from: "CGI", path: "/cgi/attack.cgi?" + what + "=" + of, denied: denied, says: says, by: by}
}

// ofCGI returns the attacks of CGI scripts.
func ofCGI() []*attack {
	const forbidden = `Permission denied`
	return []*attack{
		cgi("read the neighbour's private file", permissions, `secret\.txt: `+forbidden, "read", "{{dir}}/apps/neighbour/secret.txt"),
		cgi("read a file that the neighbour left open", landlock, `open\.txt: `+forbidden, "read", "{{dir}}/apps/neighbour/open.txt"),
		cgi("read the neighbour's environment", ownProc, `environ: No such file`, "read", "/proc/{{pid}}/environ"),
		cgi("change the neighbour's code", permissions, `neighbour\.py: `+forbidden, "write", "{{dir}}/apps/neighbour/neighbour.py"),
		cgi("kill the neighbour's worker", otherUser, `not permitted|No such process`, "kill", "{{pid}}"),
		cgi("kill the host", otherUser, `not permitted|No such process`, "kill", "{{host}}"),
		cgi("reach the neighbour by Location", "it stays at the host name of the request", `cannot answer GET /facts`, "location", "/facts").withoutFacts(),
		cgi("let Location go in circles", "ten times for one request", `Location|redirect`, "loop", "1").withoutAnswer(),
		cgi("have a foreign file sent (X-Sendfile)", "files outside of `sendfile` are refused", `X-Sendfile|sendfile`, "sendfile", "/etc/passwd").withoutAnswer(),
		cgi("split the response by a header", "headers are checked", `header|head`, "split", "").withoutAnswer(),
		cgi("send a head without end", "the head is bounded", `header|head`, "head", "").withoutAnswer(),
		// It comes last, because afterwards the next script cannot start a process for a while.
		cgi("start processes without end", "`limits { processes }`", `fork|Cannot fork`, "fork", "").withoutAnswer().dear(),
	}
}

// withoutFacts sets the pattern for an attack that asks for the facts of the neighbour: an answer
// without them was denied.
func (a *attack) withoutFacts() *attack {
	a.denied = `^[^{]*$`
	return a
}
