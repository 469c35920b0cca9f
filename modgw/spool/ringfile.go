package spool

// extentSize is the unit in which room in files is reserved.
const extentSize = 256 << 10

// writeFile writes p to the file, in which room is reserved first. Only the writer uses file,
// reserved and broken.
func (b *Buffer) writeFile(p []byte, at int64) (int, error) {
	if b.broken != nil {
		return 0, b.broken
	}
	if beyond := at + int64(len(p)) - b.reserved; beyond > 0 {
		beyond = (beyond + extentSize - 1) / extentSize * extentSize
		if err := b.account.takeDisk(beyond); err != nil {
			return 0, err
		}
		b.reserved += beyond
	}
	if b.file == nil {
		f, err := b.account.openFile()
		if err != nil {
			b.broken = err
			return 0, err
		}
		b.mu.Lock()
		b.file = f
		b.mu.Unlock()
	}
	n, err := b.file.WriteAt(p, at)
	if err != nil {
		b.broken = &FileError{err}
		return n, b.broken
	}
	return n, nil
}

// shrink gives the room of an empty file back; b.mu is held.
func (b *Buffer) shrink() {
	if b.reserved == 0 || b.file.Truncate(0) != nil {
		return
	}
	b.account.giveDisk(b.reserved)
	b.reserved = 0
}

func (b *Buffer) readFile(p []byte, at int64) (int, error) {
	n, err := b.file.ReadAt(p, at)
	if n < len(p) {
		return 0, &FileError{err}
	}
	b.mu.Lock()
	b.start = (b.start + int64(n)) % b.limit
	b.length -= int64(n)
	b.size -= int64(n)
	b.mu.Unlock()
	notify(b.taken)
	return n, nil
}
