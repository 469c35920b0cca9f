// Package files opens the files of one folder, with the rights of one account.
//
// It speaks no HTTP, and decides which names exist by nothing but the file system.
package files
