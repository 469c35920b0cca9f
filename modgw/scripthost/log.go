package scripthost

import (
	"os"
	"sync"
	"syscall"
)

// maxLog is how long a log may be: no one rotates it, and an app writes to it.
const maxLog = 8 << 20

// Log is the log of a host, which begins again when it has become too long.
type Log struct {
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenLog opens the log of the folder's host.
func (f Folder) OpenLog() (*Log, error) {
	file, size, err := f.openLog()
	if err != nil {
		return nil, err
	}
	return &Log{limit: maxLog, file: file, size: size}, nil
}

// openLog opens the file of the log, which has the records of earlier hosts unless it is too long,
// and returns its size.
func (f Folder) openLog() (*os.File, int64, error) {
	file, err := os.OpenFile(f.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() <= maxLog {
		return file, info.Size(), nil
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, 0, nil
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(p)) > l.limit {
		if err := l.file.Truncate(0); err != nil {
			return 0, err
		}
		l.size = 0
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

// Close implements [io.Closer].
func (l *Log) Close() error { return l.file.Close() }
