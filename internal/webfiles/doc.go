// Package webfiles answers HTTP requests with the files of a folder: ranges and conditions, entity
// tags, content types, precompressed siblings, index files, and one rule for names that are
// private.
//
// It does not know about apps, lists no folders, does not compress, and runs no programs.
package webfiles
