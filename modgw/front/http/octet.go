package http

// Classes of octets in a request's head, to be tested with &.
const (
	tokenOctet  uint8 = 1 << iota // of a method or a field's name (RFC 9110 section 5.6.2)
	targetOctet                   // of a request-target: all but controls and white space
	valueOctet                    // of a field's value (RFC 9110 section 5.5): what a target has, space and tab
)

// octets says to which classes an octet belongs.
var octets = classes()

func classes() (table [256]uint8) {
	for c := range table {
		if c > ' ' && c != 0x7f {
			table[c] = targetOctet | valueOctet
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		table[c] |= tokenOctet
	}
	table[' '], table['\t'] = valueOctet, valueOctet
	return table
}

// run is how many octets at the beginning of b are of a class.
func run(b []byte, class uint8) int {
	for i, c := range b {
		if octets[c]&class == 0 {
			return i
		}
	}
	return len(b)
}
