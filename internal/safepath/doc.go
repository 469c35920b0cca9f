// Package safepath opens files for a process of root that acts on behalf of other users.
//
// A path is walked one name at a time, links included, and everybody who could have changed a step
// is taken down. The file is opened from where the walk ends, once, and with no more rights than
// each of them has: what a user can redirect leads to nothing that the user could not open.
//
// It knows nothing of apps, and writes nothing.
package safepath
