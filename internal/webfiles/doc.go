// Package webfiles answers HTTP requests with the files of a folder: ranges and conditions, entity
// tags, content types, precompressed siblings, index files, and one rule for names
// that are private.
//
// It knows nothing of apps, lists no folder, compresses nothing and runs nothing.
package webfiles
