// Package front has the common settings of the fronts for web servers. Each front is a package
// below this one.
package front
