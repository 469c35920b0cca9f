// Package safepath opens files for a process that runs as root on behalf of other users.
//
// It walks a path one name at a time, including links, and records every user who could have
// changed a step. It opens the file at the end of the walk, once, with only the rights that all of
// these users have: a user who can redirect the path gains no access to files that the user could
// not open.
//
// It does not know about apps, and does not write.
package safepath
