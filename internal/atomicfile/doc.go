// Package atomicfile writes files that exist completely or not at all, even after a power cut.
//
// It does not create folders and does not lock.
package atomicfile
