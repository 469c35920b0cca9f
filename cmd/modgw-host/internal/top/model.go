package top

import (
	"cmp"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// Key is the meaning of a key of the terminal.
type Key int

// The keys.
const (
	NoKey Key = iota
	Quit
	Up
	Down
	Enter  // show the selected app alone
	Back   // show all apps again
	Sort   // sort by the next column
	Unwell // apps that are not well first, or not
)

// Keys returns the meanings of the bytes that a terminal sent at once.
func Keys(sent []byte) (keys []Key) {
	for len(sent) > 0 {
		key, length := NoKey, 1
		if len(sent) >= 3 && sent[0] == '\x1b' && (sent[1] == '[' || sent[1] == 'O') {
			length = 3
			key = map[byte]Key{'A': Up, 'B': Down, 'C': Enter, 'D': Back}[sent[2]]
		} else {
			key = map[byte]Key{
				'q': Quit, 3: Quit, 'k': Up, 'j': Down, '\r': Enter, '\n': Enter, '\x1b': Back, 127: Back, 's': Sort, 'u': Unwell,
			}[sent[0]]
		}
		keys = append(keys, key)
		sent = sent[length:]
	}
	return keys
}

// order is a way to sort rows.
type order struct {
	name    string
	compare func(a, b Row) int
}

// orders lists the ways to sort, in the order in which the Sort key selects them.
var orders = []order{
	{"app", func(a, b Row) int { return cmp.Compare(a.App, b.App) }},
	{"rate", func(a, b Row) int { return cmp.Compare(b.Rate, a.Rate) }},
	{"errors", func(a, b Row) int { return cmp.Compare(b.Errors, a.Errors) }},
	{"p95", func(a, b Row) int { return cmp.Compare(seconds(b.P95), seconds(a.P95)) }},
	{"queue", func(a, b Row) int { return cmp.Compare(b.Queued, a.Queued) }},
	{"cpu", func(a, b Row) int { return cmp.Compare(b.Processor, a.Processor) }},
	{"memory", func(a, b Row) int { return cmp.Compare(b.Memory, a.Memory) }},
}

// Orders returns the names of the ways to sort.
func Orders() (names []string) {
	for _, o := range orders {
		names = append(names, o.name)
	}
	return names
}

// seconds is a duration; -1 for none.
func seconds(d *float64) float64 {
	if d == nil {
		return -1
	}
	return *d
}

// Model is the state of the screen of top. Its zero value is an empty table, sorted by app.
type Model struct {
	rows     []Row
	last     Snapshot
	problem  string        // why there is no newer snapshot; "": there is
	selected modgw.AppName // "": none yet
	alone    bool          // the selected app is shown alone
	unwell   bool          // apps that are not well come first
	order    int           // index in orders
}

// SortBy sorts by one of Orders; it reports false for another name.
func (m *Model) SortBy(name string) bool {
	i := slices.Index(Orders(), name)
	if i < 0 {
		return false
	}
	m.order = i
	m.sort()
	return true
}

// Add shows a newer snapshot.
func (m *Model) Add(s Snapshot) {
	m.rows, m.last, m.problem = Rows(m.last, s), s, ""
	m.sort()
	if m.index() < 0 {
		m.selected, m.alone = "", false
		if len(m.rows) > 0 {
			m.selected = m.rows[0].App
		}
	}
}

// Fail shows why there is no newer snapshot.
func (m *Model) Fail(err error) { m.problem = err.Error() }

// Rows returns the rows that are shown, in order.
func (m *Model) Rows() []Row { return m.rows }

// Press acts on a key. It reports false for the key that ends top.
func (m *Model) Press(k Key) bool {
	switch k {
	case Quit:
		return false
	case Up, Down:
		m.move(map[Key]int{Up: -1, Down: 1}[k])
	case Enter:
		m.alone = m.selected != ""
	case Back:
		m.alone = false
	case Sort:
		m.order = (m.order + 1) % len(orders)
		m.sort()
	case Unwell:
		m.unwell = !m.unwell
		m.sort()
	}
	return true
}

// move selects a row further down.
func (m *Model) move(by int) {
	if len(m.rows) > 0 {
		m.selected = m.rows[min(max(0, m.index()+by), len(m.rows)-1)].App
	}
}

// index returns the index of the selected row, or -1 if none is selected.
func (m *Model) index() int {
	return slices.IndexFunc(m.rows, func(r Row) bool { return r.App == m.selected })
}

func (m *Model) sort() {
	slices.SortFunc(m.rows, func(a, b Row) int {
		if m.unwell && (a.Diagnosis == nil) != (b.Diagnosis == nil) {
			if a.Diagnosis != nil {
				return -1
			}
			return 1
		}
		return cmp.Or(orders[m.order].compare(a, b), cmp.Compare(a.App, b.App))
	})
}
