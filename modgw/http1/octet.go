package http1

// Classes of bytes in a request's head, to be tested with &.
const (
	tokenByte  uint8 = 1 << iota // of a method or a field's name (RFC 9110 section 5.6.2)
	targetByte                   // of a request target: all but controls and white space
	valueByte                    // of a field's value (RFC 9110 section 5.5): target, space, tab
)

// classes has the classes of each byte.
var classes = classify()

func classify() (table [256]uint8) {
	for c := range table {
		if c > ' ' && c != 0x7f {
			table[c] = targetByte | valueByte
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		table[c] |= tokenByte
	}
	table[' '], table['\t'] = valueByte, valueByte
	return table
}

// countLeading returns how many bytes at the beginning of b are of a class.
func countLeading(b []byte, class uint8) int {
	for i, c := range b {
		if classes[c]&class == 0 {
			return i
		}
	}
	return len(b)
}

// readRun reads bytes of a class and returns the one behind them. ok is false until that has come.
func (p *Parser) readRun(b []byte, class uint8) (next byte, ok bool) {
	if p.seen += countLeading(b[p.seen:], class); p.seen == len(b) {
		return 0, false
	}
	return b[p.seen], true
}

// IsToken reports whether s can be a method or a field's name.
func IsToken(s string) bool { return s != "" && consistsOf(s, tokenByte) }

// IsTarget reports whether s has only bytes that a request target may have.
func IsTarget(s string) bool { return consistsOf(s, targetByte) }

func consistsOf(s string, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// equalFold reports whether b is lower, which is in lower case, in any case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trimSpace cuts spaces and tabs off both ends of b[start:end].
func trimSpace(b []byte, start, end int) (int, int) {
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for start < end && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return start, end
}
