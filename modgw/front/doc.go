// Package front is what the fronts have in common to which web servers bring requests: their
// settings. Each front is a package below this one.
package front
