package addressfilter

import (
	"encoding/binary"
	"net/netip"
)

// instruction is an eBPF instruction (struct bpf_insn).
type instruction struct {
	code      uint8
	registers uint8 // destination in the lower half, source in the upper one
	offset    int16
	value     int32
}

// Codes of instructions, and registers.
const (
	loadWord  = 0x61 // dst = *(u32 *)(src + offset)
	storeWord = 0x63 // *(u32 *)(dst + offset) = src
	loadMap   = 0x18 // dst = map, with the next instruction
	move      = 0xbf // dst = src
	set       = 0xb7 // dst = value
	add       = 0x07 // dst += value
	shift     = 0x74 // dst >>= value, in 32 bits
	copyWord  = 0xbc // dst = src, in 32 bits
	bigEndian = 0xdc // dst = value bits of dst in the order of the network
	unless    = 0x56 // if dst != value, in 32 bits: skip offset instructions
	call      = 0x85 // r0 = function(r1, …)
	exit      = 0x95 // return r0

	pseudoMap = 1 // the value of loadMap is a descriptor

	outputFunction = 130 // bpf_ringbuf_output

	verdict, scratch, port, kind, context, stack = 0, 1, 8, 9, 6, 10
	// the words of the address have registers 2 to 5
	firstWord = 2
)

// Offsets in struct bpf_sock_addr.
const (
	offsetFourth = 4
	offsetSixth  = 8
	offsetPort   = 24
	offsetType   = 32
)

const (
	denied  = 0 // the call fails with EPERM
	granted = 1

	datagrams = 2 // SOCK_DGRAM
)

// program is a filter under construction.
type program []instruction

func (p *program) add(code uint8, dst, src uint8, offset int16, value int32) {
	*p = append(*p, instruction{code, dst | src<<4, offset, value})
}

// family is the address family of the sockets that a program filters.
type family int

const (
	fourth family = iota // IPv4
	sixth                // IPv6, and IPv4 by sockets of IPv6
)

// words returns the number of 32-bit words in an address.
func (f family) words() int {
	if f == fourth {
		return 1
	}
	return 4
}

func (f family) offset() int16 {
	if f == fourth {
		return offsetFourth
	}
	return offsetSixth
}

// filter returns the program that enforces the rules. It denies attempts that no rule grants, and
// writes them to the ring with the given descriptor, or nowhere if ring is -1.
func filter(f family, rules []Rule, ring int) program {
	p := program{}
	p.add(move, context, 1, 0, 0)
	for i := range f.words() {
		p.add(loadWord, uint8(firstWord+i), context, f.offset()+int16(4*i), 0)
		p.add(bigEndian, uint8(firstWord+i), 0, 0, 32)
	}
	p.add(loadWord, port, context, offsetPort, 0)
	p.add(bigEndian, port, 0, 0, 16)
	p.add(loadWord, kind, context, offsetType, 0)
	for _, r := range rules {
		p.grant(f, r)
	}
	var datagram, names program
	names.finish(granted)
	datagram.skipUnless(port, nameServers, names)
	p.skipUnless(kind, datagrams, datagram)
	if ring >= 0 {
		p.report(f, ring)
	}
	p.finish(denied)
	return p
}

// grant adds the comparisons of a rule, and the end of the program if all of them succeed.
func (p *program) grant(f family, r Rule) {
	addr, bits, all := r.inSixth()
	from := 0
	if f == fourth {
		const before = 12 // bytes in front of the IPv4 address
		if !all && !r.To.Addr().Is4() {
			return
		}
		from, bits = before, bits-8*before
	}
	if all {
		bits = 0
	}
	var body program
	body.finish(granted)
	if r.Port != 0 {
		inner := body
		body = nil
		body.skipUnless(port, int32(r.Port), inner)
	}
	for i := f.words() - 1; i >= 0; i-- {
		length := min(max(bits-32*i, 0), 32)
		if length == 0 {
			continue
		}
		word := binary.BigEndian.Uint32(addr[from+4*i:]) >> (32 - length)
		inner := body
		body = program{}
		body.add(copyWord, scratch, uint8(firstWord+i), 0, 0)
		if length < 32 {
			body.add(shift, scratch, 0, 0, int32(32-length))
		}
		body.skipUnless(scratch, int32(word), inner)
	}
	*p = append(*p, body...)
}

// skipUnless adds instructions that are executed when a register has the value.
func (p *program) skipUnless(register uint8, value int32, then program) {
	p.add(unless, register, 0, int16(len(then)), value)
	*p = append(*p, then...)
}

func (p *program) finish(result int32) {
	p.add(set, verdict, 0, 0, result)
	p.add(exit, 0, 0, 0, 0)
}

// attemptSize is the length of the record of an attempt: an address of 16 bytes, of which IPv4 uses
// the first four, then the port, the kind of socket and the family, four bytes each.
const attemptSize = 28

// report writes the current attempt to the ring, in the byte order of this machine.
func (p *program) report(f family, ring int) {
	const begin = -32 // on the stack, which is aligned to eight bytes
	p.add(set, scratch, 0, 0, 0)
	for i := range 4 {
		from := uint8(scratch)
		if i < f.words() {
			from = uint8(firstWord + i)
		}
		p.add(storeWord, stack, from, begin+int16(4*i), 0)
	}
	p.add(storeWord, stack, port, begin+16, 0)
	p.add(storeWord, stack, kind, begin+20, 0)
	p.add(set, scratch, 0, 0, int32(f))
	p.add(storeWord, stack, scratch, begin+24, 0)
	p.add(loadMap, 1, pseudoMap, 0, int32(ring))
	p.add(0, 0, 0, 0, 0)
	p.add(move, 2, stack, 0, 0)
	p.add(add, 2, 0, 0, begin)
	p.add(set, 3, 0, 0, attemptSize)
	p.add(set, 4, 0, 0, 0)
	p.add(call, 0, 0, 0, outputFunction)
}

// readAttempt parses a record that the program of report has written.
func readAttempt(raw []byte) Attempt {
	var addr [16]byte
	for i := range 4 { // the words are numbers in the byte order of this machine
		binary.BigEndian.PutUint32(addr[4*i:], binary.NativeEndian.Uint32(raw[4*i:]))
	}
	to := netip.AddrFrom16(addr).Unmap()
	if family(binary.NativeEndian.Uint32(raw[24:])) == fourth {
		to = netip.AddrFrom4([4]byte(addr[:4]))
	}
	return Attempt{
		To:       netip.AddrPortFrom(to, uint16(binary.NativeEndian.Uint32(raw[16:]))),
		Datagram: binary.NativeEndian.Uint32(raw[20:]) == datagrams,
	}
}
