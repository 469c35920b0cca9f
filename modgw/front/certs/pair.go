package certs

import (
	"crypto/tls"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// lookAgain is the shortest interval between two looks at the files of a pair.
const lookAgain = time.Second

// pair is a certificate and its key in two files that may be replaced at any time. A handshake
// checks whether they were, at most once a second. That costs two stats and nothing while no client
// connects; and a watcher would not see the targets of nested links.
type pair struct {
	files  modgw.Certificate
	log    *slog.Logger
	loaded atomic.Pointer[tls.Certificate]
	next   atomic.Int64 // when the next look is due, as monotonic.Now has it

	// They belong to the goroutine that has the look.
	mark    pairMark // marks the files that were loaded
	spoiled pairMark // marks files that could not be loaded; zero: there are none
	told    bool     // and it was said
	looking atomic.Bool
}

// fileMark distinguishes a file from its replacement, and from the same file with other contents.
type fileMark struct {
	inode            uint64
	size             int64
	changed, written syscall.Timespec
}

type pairMark struct{ certificate, key fileMark }

func newPair(files modgw.Certificate, log *slog.Logger) (*pair, error) {
	p := &pair{files: files, log: log}
	p.mark = p.markNow()
	certificate, err := p.load()
	if err != nil {
		return nil, err
	}
	p.loaded.Store(certificate)
	p.next.Store(int64(monotonic.Now() + lookAgain))
	return p, nil
}

// current is the certificate that the files have, or had when they were last good.
func (p *pair) current() *tls.Certificate {
	if int64(monotonic.Now()) >= p.next.Load() && p.looking.CompareAndSwap(false, true) {
		p.look()
		p.next.Store(int64(monotonic.Now() + lookAgain))
		p.looking.Store(false)
	}
	return p.loaded.Load()
}

// look loads the files when they have changed. Files that cannot be loaded are not spoken of before
// a second look: the one may have been written, and the other not yet.
func (p *pair) look() {
	now := p.markNow()
	if now == p.mark {
		p.spoiled, p.told = pairMark{}, false
		return
	}
	again := now == p.spoiled
	if again && p.told {
		return
	}
	certificate, err := p.load()
	if err == nil {
		p.mark, p.spoiled, p.told = now, pairMark{}, false
		p.loaded.Store(certificate)
		p.log.Info("certificate replaced", "file", p.files.File, "expires", certificate.Leaf.NotAfter)
		return
	}
	if p.told = again; again {
		f := err.(*modgw.Fault)
		p.log.Error("certificate not replaced", "code", f.Code, "error", f.Line(), "hint", "the old one stays in use")
	}
	p.spoiled = now
}

// load reads both files. An error is a *modgw.Fault.
func (p *pair) load() (*tls.Certificate, error) {
	text, err := safepath.Opener{}.ReadFile(p.files.File, largestFile)
	if err != nil {
		return nil, notReadable(p.files.File, err)
	}
	key, err := safepath.Opener{}.ReadFile(p.files.Key, largestFile)
	if err != nil {
		return nil, notReadable(p.files.Key, err)
	}
	certificate, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, noPair(p.files, err)
	}
	if info, err := (safepath.Opener{}).Stat(p.files.Key); err == nil && info.Mode()&0o004 != 0 {
		f := openKey(p.files.Key)
		p.log.Warn("key is no secret", "code", f.Code, "error", f.Line())
	}
	if expires := certificate.Leaf.NotAfter; time.Now().After(expires) {
		f := expired(p.files.File, expires)
		p.log.Warn("certificate expired", "code", f.Code, "error", f.Line())
	}
	return &certificate, nil
}

func (p *pair) markNow() pairMark { return pairMark{markOf(p.files.File), markOf(p.files.Key)} }

// markOf is zero for a file that is not there.
func markOf(name string) fileMark {
	info, err := safepath.Opener{}.Stat(name)
	if err != nil {
		return fileMark{}
	}
	return newFileMark(info)
}

func newFileMark(info fs.FileInfo) fileMark {
	m := fileMark{size: info.Size()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		m.inode, m.changed, m.written = s.Ino, s.Ctim, s.Mtim
	}
	return m
}
