package appvalues

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// page writes a memory as a worker does.
type page struct{ bytes []byte }

func newPage() *page {
	p := &page{make([]byte, headerSize)}
	binary.LittleEndian.PutUint64(p.bytes, magic)
	return p
}

func (p *page) add(k key, value, time float64) *page {
	text, err := json.Marshal(k)
	if err != nil {
		panic(err)
	}
	return p.addRaw(text, value, time)
}

func (p *page) addRaw(text []byte, value, time float64) *page {
	p.bytes = binary.LittleEndian.AppendUint32(p.bytes, uint32(len(text)))
	p.bytes = append(p.bytes, text...)
	for len(p.bytes)%8 != 0 {
		p.bytes = append(p.bytes, ' ')
	}
	p.bytes = binary.LittleEndian.AppendUint64(p.bytes, math.Float64bits(value))
	p.bytes = binary.LittleEndian.AppendUint64(p.bytes, math.Float64bits(time))
	binary.LittleEndian.PutUint64(p.bytes[8:], uint64(len(p.bytes)))
	return p
}

func (p *page) file(t *testing.T) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, p.bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func counter(name string, labels ...string) key {
	k := key{Type: "counter", Metric: name, Name: name + "_total", Help: "Help."}
	for i, value := range labels {
		k.Labels, k.Values = append(k.Labels, fmt.Sprintf("l%d", i)), append(k.Values, value)
	}
	return k
}

func gauge(mode string) key {
	return key{Type: "gauge", Mode: mode, Metric: "g_" + mode, Name: "g_" + mode}
}

// read returns the values of a store by name.
func read(s *Store) map[string]float64 {
	all := map[string]float64{}
	series, _ := s.Read()
	for _, one := range series {
		name := one.Name
		if one.Worker > 0 {
			name = fmt.Sprint(name, " ", one.Worker)
		}
		all[name+strings.Join(one.Values, ",")] = one.Value
	}
	return all
}

func TestValuesOfWorkersBecomeOneInTheWayThatTheirModeSays(t *testing.T) {
	var s Store
	var workers []*Worker
	for i := range 3 {
		p := newPage().add(counter("c"), float64(i+1), 0)
		for _, mode := range []string{"all", "liveall", "sum", "livesum", "min", "livemin", "max", "livemax", "mostrecent", "livemostrecent"} {
			p.add(gauge(mode), float64(10*(i+1)), float64(100-i))
		}
		workers = append(workers, s.Add(i+1, p.file(t)))
	}
	want := map[string]float64{
		"c_total": 6, "g_all 1": 10, "g_all 2": 20, "g_all 3": 30, "g_liveall 3": 30, "g_sum": 60, "g_livesum": 60,
		"g_min": 10, "g_livemin": 10, "g_max": 30, "g_livemax": 30, "g_mostrecent": 10, "g_livemostrecent": 10,
	}
	got := read(&s)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, not %v", name, got[name], value)
		}
	}
	for _, w := range workers {
		w.Retire()
		w.Retire()
	}
	got = read(&s)
	left := map[string]float64{"c_total": 6, "g_min": 10, "g_max": 30, "g_mostrecent": 10}
	if fmt.Sprint(got) != fmt.Sprint(left) {
		t.Errorf("after all have ended %v is left, not %v", got, left)
	}
}

func TestWorkersCannotTakeOtherNamesOrHarmTheHost(t *testing.T) {
	long := strings.Repeat("x", 2000)
	p := newPage()
	bad := []key{
		{Type: "counter", Metric: "modgw_requests", Name: "modgw_requests_total"},
		{Type: "counter", Metric: "a", Name: "process_cpu_seconds_total"},
		{Type: "counter", Metric: "a b", Name: "a b"},
		{Type: "counter", Metric: "", Name: ""},
		{Type: "counter", Metric: long, Name: long},
		{Type: "other", Metric: "a", Name: "a"},
		counter("a", long),
		{Type: "gauge", Metric: "a", Name: "a", Labels: []string{"__name__"}, Values: []string{"x"}},
		{Type: "gauge", Metric: "a", Name: "a", Labels: []string{"x", "x"}, Values: []string{"1", "2"}},
		{Type: "gauge", Metric: "a", Name: "a", Labels: []string{"x"}},
		{Type: "gauge", Metric: "a", Name: "a", Help: long},
	}
	for _, k := range bad {
		p.add(k, 1, 0)
	}
	p.addRaw([]byte("{"), 1, 0)
	p.add(counter("below"), -1, 0).add(counter("nan"), math.NaN(), 0).add(counter("good"), 1, 0)
	var s Store
	s.Add(1, p.file(t))
	series, dropped := s.Read()
	if len(series) != 1 || series[0].Name != "good_total" || dropped != uint64(len(bad)+3) {
		t.Errorf("%d dropped, and %v is left", dropped, read(&s))
	}
}

func TestNumberOfSeriesIsBounded(t *testing.T) {
	p := newPage()
	for i := range maxSeries + 5 {
		p.add(counter("c", fmt.Sprint(i)), 1, 0)
	}
	var s Store
	w := s.Add(1, p.file(t))
	for _, when := range []string{"while it runs", "after its end"} {
		if series, dropped := s.Read(); len(series) != maxSeries || dropped != 5 {
			t.Errorf("%s: %d series, %d dropped", when, len(series), dropped)
		}
		w.Retire()
	}
}

func TestValuesAreReadAgainAndNewOnesAreFound(t *testing.T) {
	p := newPage().add(counter("a"), 1, 0)
	r := &reader{memory: bytes.NewReader(p.bytes)}
	r.read()
	binary.LittleEndian.PutUint64(p.bytes[len(p.bytes)-16:], math.Float64bits(5))
	p.add(counter("b"), 2, 0)
	r.memory = bytes.NewReader(p.bytes)
	entries, dropped := r.read()
	if len(entries) != 2 || dropped != 0 || entries[0].value != 5 || entries[1].value != 2 || entries[1].key.Name != "b_total" {
		t.Errorf("%+v, %d dropped", entries, dropped)
	}
}

func TestDamagedMemoryEndsTheValues(t *testing.T) {
	good := newPage().add(counter("a"), 1, 0).add(counter("b"), 2, 0)
	for range 1000 {
		p := &page{slices.Clone(good.bytes)}
		for range 1 + rand.IntN(4) {
			p.bytes[rand.IntN(len(p.bytes))] = byte(rand.Uint32())
		}
		(&reader{memory: bytes.NewReader(p.bytes)}).read()
	}
	for _, used := range []uint64{0, headerSize - 1, Size + 1, math.MaxUint64, headerSize + 3, Size} {
		p := &page{slices.Clone(good.bytes)}
		binary.LittleEndian.PutUint64(p.bytes[8:], used)
		(&reader{memory: bytes.NewReader(p.bytes)}).read()
	}
	if entries, _ := (&reader{memory: bytes.NewReader(nil)}).read(); entries != nil {
		t.Error("nothing has values")
	}
}
