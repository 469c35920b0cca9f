package appvalues

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"strings"
)

// Size is the size of a worker's memory for its values, in bytes. Unused pages take up no memory.
const Size = 8 << 20

// The memory begins with a header: a magic number, how many bytes are used, header included, and
// how many values found no room. Entries follow: the length of a key, the key in JSON, padded to 8
// bytes, then value and time as numbers of 8 bytes. All numbers are little-endian.
const (
	magic      = 0x314c4156574d // "MWVAL1"
	headerSize = 64
	maxKey     = 16 << 10
)

// entry is a value of one worker.
type entry struct {
	key   *key
	id    string // identifies its series
	at    int    // offset of value and time in the memory
	value float64
	time  float64 // when it was set, in seconds since 1970; 0: it was not noted
}

// key is the series of a value.
type key struct {
	Type   string   `json:"type"`   // "counter", "gauge", "histogram" or "summary"
	Mode   string   `json:"mode"`   // multiprocess_mode of a gauge
	Metric string   `json:"metric"` // name of the metric
	Name   string   `json:"name"`   // name of the sample: the metric's, with a suffix
	Help   string   `json:"help"`   // text about the metric
	Labels []string `json:"labels"` // names of labels
	Values []string `json:"values"` // their values
}

// reader reads the memory of a worker again and again. Entries stay where they are, so that each
// key is decoded once.
type reader struct {
	memory  io.ReaderAt
	entries []entry // with the values of the last read
	end     int     // end of the entries that were found
	ignored uint64  // entries whose keys are not right
}

// read returns the values, which are valid until the next call, and the number of dropped ones. A
// damaged part ends them.
func (r *reader) read() (entries []entry, dropped uint64) {
	var header [headerSize]byte
	if _, err := r.memory.ReadAt(header[:], 0); err != nil || binary.LittleEndian.Uint64(header[:]) != magic {
		return nil, 0
	}
	used := binary.LittleEndian.Uint64(header[8:])
	if used < headerSize || used > Size {
		return nil, 0
	}
	memory := make([]byte, used)
	if n, err := r.memory.ReadAt(memory, 0); err != nil {
		memory = memory[:n]
	}
	if r.end > len(memory) { // which no worker of ours does
		*r = reader{memory: r.memory}
	}
	beyond := r.decode(memory)
	for i := range r.entries {
		e := &r.entries[i]
		e.value, e.time = float64At(memory, e.at), float64At(memory, e.at+8)
	}
	return r.entries, r.ignored + beyond + binary.LittleEndian.Uint64(header[16:])
}

// decode finds the entries that are new, and returns how many are too many.
func (r *reader) decode(memory []byte) (beyond uint64) {
	at := max(r.end, headerSize)
	for at+4 <= len(memory) {
		length := int(binary.LittleEndian.Uint32(memory[at:]))
		value := at + (4+length+7)&^7
		if length == 0 || length > maxKey || value+16 > len(memory) {
			break
		}
		text := memory[at+4 : at+4+length]
		at = value + 16
		if len(r.entries) >= maxSeries {
			beyond++
			continue
		}
		r.end = at
		k := new(key)
		if json.Unmarshal(text, k) != nil || !k.isValid() {
			r.ignored++
			continue
		}
		r.entries = append(r.entries, entry{key: k, id: k.id(), at: value})
	}
	return beyond
}

func float64At(memory []byte, at int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(memory[at:]))
}

// Limits of a series.
const (
	maxName  = 200
	maxHelp  = 1 << 10
	maxLabel = 1 << 10 // bytes of the value of a label
	maxPairs = 30
)

var (
	namePattern  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelPattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// reserved are the beginnings of names that the host's own metrics have.
var reserved = []string{"modgw_", "go_", "process_", "promhttp_"}

// isValid reports whether Prometheus can take the series, and it can be none of the host's own.
func (k *key) isValid() bool {
	for _, name := range []string{k.Metric, k.Name} {
		if len(name) > maxName || !namePattern.MatchString(name) {
			return false
		}
		for _, prefix := range reserved {
			if strings.HasPrefix(name, prefix) {
				return false
			}
		}
	}
	if len(k.Labels) != len(k.Values) || len(k.Labels) > maxPairs || len(k.Help) > maxHelp {
		return false
	}
	seen := map[string]bool{}
	for i, label := range k.Labels {
		if len(label) > maxName || !labelPattern.MatchString(label) || strings.HasPrefix(label, "__") || seen[label] ||
			len(k.Values[i]) > maxLabel {
			return false
		}
		seen[label] = true
	}
	switch k.Type {
	case "counter", "gauge", "histogram", "summary":
		return true
	}
	return false
}

// id identifies a series: its name and labels.
func (k *key) id() string {
	var b strings.Builder
	b.WriteString(k.Name)
	for i := range k.Labels {
		b.WriteString("\x00" + k.Labels[i] + "\x00" + k.Values[i])
	}
	return b.String()
}
