// Package claims decides to which app a name, and which hosts and mounts, belong. Whoever is served keeps what it has,
// across reloads and restarts, until its descriptor is gone; a newcomer that asks for the same is refused. What is decided
// is kept in a file. The package reads no descriptors and routes no requests.
package claims
