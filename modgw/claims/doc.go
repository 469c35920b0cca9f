// Package claims decides to which app a name, and which hosts and mounts, belong. A served app
// keeps its claims, across reloads and restarts, until its descriptor is gone; a new app that
// claims the same is refused. The decisions are kept in a file. The package reads no descriptors
// and routes no requests.
package claims
