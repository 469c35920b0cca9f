package spool

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// Why a buffer takes no more.
var (
	ErrLimit       = errors.New("the buffer is full")
	ErrAccountFull = errors.New("the app has used up what it may keep")
	ErrSpoolFull   = errors.New("the host has used up what it may keep")
)

// A FileError reports that a spool file cannot be created, written or read.
type FileError struct {
	Err error // reason of the failure
}

// Error includes the error of the operating system.
func (e *FileError) Error() string { return fmt.Sprintf("cannot use a spool file: %v", e.Err) }

// Unwrap returns the system's error.
func (e *FileError) Unwrap() error { return e.Err }

// Config is the configuration of a [Spool].
type Config struct {
	Dir    string // existing folder of the host for files; "": no files
	Memory int64  // bytes that may be kept in memory; 0: none
	Disk   int64  // bytes that may be kept in files; 0: none
}

// Spool limits the memory and files of one host. Use [New] to create one.
type Spool struct {
	dir    string
	memory counter
	disk   counter
}

// New returns an empty spool.
func New(c Config) *Spool {
	s := &Spool{dir: c.Dir}
	s.memory.limit, s.disk.limit = c.Memory, c.Disk
	if c.Dir == "" {
		s.disk.limit = 0
	}
	return s
}

// Used returns the number of bytes of memory and of files in use.
func (s *Spool) Used() (memory, disk int64) { return s.memory.used.Load(), s.disk.used.Load() }

// Account returns an account for one app, whose buffers may keep limit bytes together. If the limit
// is 0 or the spool is nil, the account is nil, which keeps nothing.
func (s *Spool) Account(limit int64) *Account { return s.AccountWithin(limit, nil) }

// AccountWithin is Account for an app whose files count for a quota as well.
func (s *Spool) AccountWithin(limit int64, q *Quota) *Account {
	if s == nil || limit <= 0 || s.memory.limit <= 0 && s.disk.limit <= 0 {
		return nil
	}
	a := &Account{spool: s, quota: q}
	a.total.limit = limit
	return a
}

// Account counts the bytes that one app keeps. A nil account keeps nothing.
type Account struct {
	spool *Spool
	quota *Quota // bounds files; nil: only the others do
	total counter
}

// Used returns the number of bytes in use.
func (a *Account) Used() int64 {
	if a == nil {
		return 0
	}
	return a.total.used.Load()
}

// Limit returns the largest number of bytes, or 0 for a nil account.
func (a *Account) Limit() int64 {
	if a == nil {
		return 0
	}
	return a.total.limit
}

// Memory returns the largest number of bytes of memory.
func (a *Account) Memory() int64 {
	if a == nil {
		return 0
	}
	return min(a.spool.memory.limit, a.total.limit) / chunkSize * chunkSize
}

// takeMemory reports whether n more bytes of memory are the caller's, for a buffer that has some
// already. A buffer may have half as much as is left: a few large bodies shall not have all of it.
func (a *Account) takeMemory(has, n int64) bool {
	if a == nil || has+n > max(a.spool.memory.left()/2, chunkSize) || !a.total.take(n) {
		return false
	}
	if !a.spool.memory.take(n) {
		a.total.give(n)
		return false
	}
	return true
}

func (a *Account) giveMemory(n int64) {
	a.spool.memory.give(n)
	a.total.give(n)
}

// takeDisk reserves n bytes of files.
func (a *Account) takeDisk(n int64) error {
	switch {
	case a == nil || a.spool.disk.limit <= 0:
		return ErrSpoolFull
	case !a.total.take(n):
		return ErrAccountFull
	case !a.quota.take(n):
		a.total.give(n)
		return ErrAccountFull
	case !a.spool.disk.take(n):
		a.quota.give(n)
		a.total.give(n)
		return ErrSpoolFull
	}
	return nil
}

func (a *Account) giveDisk(n int64) {
	a.spool.disk.give(n)
	a.quota.give(n)
	a.total.give(n)
}

// openFile makes a file without a name.
func (a *Account) openFile() (*os.File, error) {
	f, err := unnamed(a.spool.dir)
	if err != nil {
		return nil, &FileError{err}
	}
	return f, nil
}

// counter is a number of bytes in use, with a limit.
type counter struct {
	limit int64
	used  atomic.Int64
}

// take reports whether n more bytes are in use now.
func (c *counter) take(n int64) bool {
	if c.used.Add(n) <= c.limit {
		return true
	}
	c.used.Add(-n)
	return false
}

func (c *counter) left() int64 { return c.limit - c.used.Load() }

func (c *counter) give(n int64) { c.used.Add(-n) }
