// Package upgrade lets a new host take the place of one that runs, without losing a request.
//
// The new host is a child of the old one, and both run for a while. The alternative, executing the
// new program in place of the old one, would keep the process id; but it would end whatever cannot
// be written down: encryption that is under way, a response that is being sent, a WebSocket with
// its compression. Here the old host keeps all that until it has ended, and the new one begins
// nothing before it has proved that it can serve. Where a service manager must know the process id
// of the host, the old host tells it the new one.
//
// They talk over a Unix socket that keeps packets apart, a [message] each, with descriptors beside
// it:
//
//	new  hello       which formats of messages it knows, and its version
//	old  state       the format, and the apps that it serves
//	old  socket      one for each socket, with its descriptor
//	old  start       there are no more
//	new  share       asks for a worker, with the descriptors that it gets
//	old  shared      how to supervise it, with descriptors; or why not
//	new  ready       all that the old host serves it can serve; or refused, with the reason
//	old  commit
//	new  serving     it accepts connections on the sockets, and which workers it has now
//	old  given       it reads no more what those print
//	old  connection  one for each connection that waits for a request, with its descriptor
//	new  replaced    an app has a new generation: what the old host has of it must end
//	new  end         the old host must end
//
// Until it has got "serving" the old host has changed nothing, and goes on when anything fails. A
// host ignores fields of a message that it does not know. A format that is not known to both lets
// the upgrade fail: it changes when a field must not be ignored.
//
// The package knows nothing of apps, and decides neither what is passed nor what a host needs.
package upgrade
