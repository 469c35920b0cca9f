package logbook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/logqueue"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// The archive is bounded: a file of archiveSize bytes is put aside, and archiveFiles are kept.
const (
	archiveSize  = 8 << 20
	archiveFiles = 8

	// archiveClose is how long the end of the host waits for the file.
	archiveClose = time.Second

	// longestArchived is the longest line of the archive that is read, in bytes.
	longestArchived = 4 << 20
)

// archive keeps log records in files of the state folder, as JSON, so that logs can show those of
// earlier runs of the host, and older ones than its memory has. The journal and log files have
// lines of text, without the app, request and user of a line.
type archive struct {
	dir   string
	run   int64 // names this run of the host: when it began, in nanoseconds since 1970
	queue *logqueue.Writer
	file  *os.File     // used by the queue's goroutine alone; nil: it could not be opened
	size  int64        // bytes of file
	most  atomic.Int64 // bytes of a file, at most
	// forgets is called before the oldest records are removed; nil: nothing is.
	forgets func()
}

// archivedRecord is a line of the archive.
type archivedRecord struct {
	Run    int64  `json:"run"`
	Number uint64 `json:"n"` // counts the records of a run
	control.LogRecord
}

// openArchive opens the archive in a folder, which it creates. log receives records about losses.
func openArchive(dir string, run time.Time, log *slog.Logger) (*archive, error) {
	a := &archive{dir: dir, run: run.UnixNano()}
	a.most.Store(archiveSize)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	a.queue = logqueue.New(a, 0, func(lost logqueue.Lost) []byte {
		log.Warn("log records not kept", "folder", dir, "records", lost.Lines, "error", lost.Err)
		return nil
	})
	return a, nil
}

// close writes queued records and closes the file.
func (a *archive) close() {
	a.queue.Close(archiveClose)
	if a.file != nil {
		_ = a.file.Close() // all was written, or reported
	}
}

// path returns the path of a file: 0 is the current one, 1 the one before it.
func (a *archive) path(n int) string {
	if n == 0 {
		return filepath.Join(a.dir, "records.json")
	}
	return filepath.Join(a.dir, fmt.Sprintf("records.%d.json", n))
}

// open opens the file that is written to, at its end.
func (a *archive) open() (err error) {
	flags := os.O_RDWR | os.O_APPEND | os.O_CREATE | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	if a.file, err = os.OpenFile(a.path(0), flags, 0o600); err != nil {
		a.file = nil
		return err
	}
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	a.size = info.Size()
	if last := []byte{'\n'}; a.size > 0 {
		if _, err = a.file.ReadAt(last, a.size-1); err == nil && last[0] != '\n' {
			_, err = a.file.WriteString("\n") // a host was killed while it wrote
		}
	}
	return err
}

// add queues a record. It never blocks.
func (a *archive) add(number uint64, record control.LogRecord) {
	line, err := json.Marshal(archivedRecord{a.run, number, record})
	if err != nil {
		panic(err) // it has texts and a time alone
	}
	_, _ = a.queue.Write(append(line, '\n')) // it never fails
}

// Write implements [io.Writer] for the queue, which passes whole lines.
func (a *archive) Write(p []byte) (written int, err error) {
	for written < len(p) {
		part := a.fitting(p[written:])
		if a.file == nil || a.size > 0 && a.size+int64(len(part)) > a.most.Load() {
			if err := a.rotate(); err != nil {
				return written, err
			}
			part = a.fitting(p[written:])
		}
		n, err := a.file.Write(part)
		a.size += int64(n)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// fitting are the first lines of a text that have room in the file, and at least one.
func (a *archive) fitting(text []byte) []byte {
	room := a.most.Load() - a.size
	if int64(len(text)) <= room {
		return text
	}
	if end := bytes.LastIndexByte(text[:max(0, room)], '\n'); end >= 0 {
		return text[:end+1]
	}
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return text[:end+1]
	}
	return text
}

// rotate puts the file aside and opens another one.
func (a *archive) rotate() error {
	if a.file != nil {
		_ = a.file.Close() // it is whole
		if _, err := os.Lstat(a.path(archiveFiles - 1)); err == nil && a.forgets != nil {
			a.forgets()
		}
		for n := archiveFiles - 1; n > 0; n-- {
			err := os.Rename(a.path(n-1), a.path(n))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				a.file = nil
				return err
			}
		}
	}
	a.removeBeyond()
	return a.open()
}

// removeBeyond removes the oldest files of an archive that may have less than it had.
func (a *archive) removeBeyond() {
	room := a.most.Load() * (archiveFiles - 1) // without the current file
	for n := 1; n < archiveFiles; n++ {
		info, err := os.Lstat(a.path(n))
		if err != nil {
			continue
		}
		if room -= info.Size(); room < 0 {
			_ = os.Remove(a.path(n)) // it is tried again with the next file
		}
	}
}

// bytes returns the total size of its files.
func (a *archive) bytes() (all int64) {
	for n := range archiveFiles {
		if info, err := os.Lstat(a.path(n)); err == nil {
			all += info.Size()
		}
	}
	return all
}

// find returns the records that match a query, oldest first. If the query has a number of lines, it
// returns the last ones. It leaves out records of this run for which has is true.
func (a *archive) find(
	q control.LogQuery, has func(number uint64) bool,
) (found []control.LogRecord) {
	var files []*os.File
	defer func() {
		for _, file := range files {
			_ = file.Close() // it was only read
		}
	}()
	for n := range archiveFiles { // all at once: they may be put aside meanwhile
		file, err := os.Open(a.path(n))
		if err != nil {
			break
		}
		files = append(files, file)
	}
	for i, file := range slices.Backward(files) {
		if info, err := file.Stat(); err != nil || info.ModTime().Before(q.Since) && i > 0 {
			continue
		}
		eachLine(file, func(line []byte) {
			var r archivedRecord
			switch {
			case q.Request != "" && !bytes.Contains(line, []byte(q.Request)):
			case json.Unmarshal(line, &r) != nil: // such as half a line, of a host that was killed
			case r.Run == a.run && has(r.Number), !wanted(r.LogRecord, q):
			default:
				found = append(found, r.LogRecord)
			}
			if q.Lines > 0 && len(found) >= 2*q.Lines {
				found = append(found[:0], found[len(found)-q.Lines:]...)
			}
		})
	}
	return found
}

// sizes are the bytes of the records of each app.
func (a *archive) sizes() map[modgw.AppName]int64 {
	key := []byte(`"app":"`) // in a text it would have backslashes
	sizes := map[modgw.AppName]int64{}
	for n := range archiveFiles {
		file, err := os.Open(a.path(n))
		if err != nil {
			break
		}
		eachLine(file, func(line []byte) {
			if _, rest, ok := bytes.Cut(line, key); ok {
				name, _, _ := bytes.Cut(rest, []byte(`"`))
				sizes[modgw.AppName(name)] += int64(len(line)) + 1
			}
		})
		_ = file.Close() // it was only read
	}
	return sizes
}

// eachLine calls f with the lines of a file, which are valid until it returns.
func eachLine(file io.Reader, f func(line []byte)) {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 64<<10), longestArchived)
	for lines.Scan() {
		f(lines.Bytes())
	}
}
