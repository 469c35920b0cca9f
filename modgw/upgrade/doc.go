// Package upgrade replaces a running host by a new one, without losing a request.
//
// The new host is a child of the old one, and both run for a while. The alternative, executing the
// new program in place of the old one, would keep the process ID; but it would end everything that
// cannot be saved: encryption under way, a response that is being sent, a WebSocket with its
// compression. Here the old host keeps all of these until they have ended, and the new host starts
// nothing before it has proved that it can serve. If a service manager must know the process ID of
// the host, the old host sends it the new one.
//
// The hosts communicate over a Unix socket that preserves message boundaries. Each packet is a
// [message], with descriptors if necessary:
//
//	new  hello       the message formats that it knows, and its version
//	old  state       the format, and the apps that it serves
//	old  socket      one for each socket, with its descriptor
//	old  start       all sockets have been sent
//	new  share       asks for a worker, with the descriptors that it gets
//	old  shared      how to supervise it, with descriptors; or the reason why not
//	new  ready       it can serve everything that the old host serves; or refused, with the reason
//	old  commit
//	new  serving     it accepts connections on the sockets, and the workers that it has now
//	old  given       it no longer reads the output of these workers
//	old  connection  one for each connection that waits for a request, with its descriptor
//	new  replaced    an app has a new generation: the old host's part of the app must end
//	new  end         the old host must end
//
// Until the old host has received "serving", it has changed nothing, and it continues if anything
// fails. A host ignores unknown fields of a message. If the hosts have no format in common, the
// upgrade fails: the format changes when a field must not be ignored.
//
// The package does not know about apps, and decides neither which resources are passed nor which
// ones a host needs.
package upgrade
