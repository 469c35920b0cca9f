package http1

// Limits are the limits of one request. A zero field means the default.
type Limits struct {
	HeadBytes      int // limit of the head, from the method to the empty line; 0: 64 KiB
	Fields         int // lines of the head; 0: 256
	ExtensionBytes int // extensions of all chunks, which have no known use; 0: 1 KiB
	TrailerBytes   int // all trailers with their ends of line; 0: 2 KiB
}

func (l Limits) withDefaults() Limits {
	fill := func(value *int, standard int) {
		if *value == 0 {
			*value = standard
		}
	}
	fill(&l.HeadBytes, 64<<10)
	fill(&l.Fields, 256)
	fill(&l.ExtensionBytes, 1<<10)
	fill(&l.TrailerBytes, 2<<10)
	return l
}

const (
	// maxBlankLines is the largest number of empty lines before a request (RFC 9112 section 2.2
	// requires at least one).
	maxBlankLines = 10

	// keptFields bounds the memory for fields that a parser keeps for the next request.
	keptFields = 64

	// maxSizeDigits bounds a chunk's size.
	maxSizeDigits = 12
)
