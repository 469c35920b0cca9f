// Package files opens the files of one folder, with the rights of one account, and makes folders
// whose mode is exact.
//
// It speaks no HTTP, and decides which names exist by nothing but the file system.
package files
