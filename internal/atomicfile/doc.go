// Package atomicfile writes files that are there whole or not at all, power cuts included.
//
// It creates no folders and locks nothing.
package atomicfile
