package wire

import (
	"bytes"
	"encoding/hex"
	"math"
	"os/exec"
	"strings"
	"testing"
)

// python runs a program with the installed interpreters and returns the output of each.
func python(t *testing.T, program, stdin string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"python3", "pypy3"} {
		cmd := exec.Command(name, "-c", program)
		cmd.Stdin = strings.NewReader(stdin)
		data, err := cmd.Output()
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		out[name] = string(data)
	}
	if len(out) == 0 {
		t.Skip("no Python here")
	}
	return out
}

func TestPythonReadsWhatWeWrite(t *testing.T) {
	b := BeginDict(nil)
	b = AppendNone(AppendText(b, "none"))
	b = AppendBool(AppendText(b, "true"), true)
	b = AppendBool(AppendText(b, "false"), false)
	for name, v := range map[string]int64{"one": 1, "minus": -1, "min32": math.MinInt32, "max64": math.MaxInt64, "min64": math.MinInt64, "big": 1 << 40, "nbig": -1 << 40} {
		b = AppendInt(AppendText(b, name), v)
	}
	b = AppendBytes(AppendText(b, "bytes"), []byte{0, 255})
	b = AppendText(AppendText(b, "text"), "grün €")
	b = AppendText(AppendText(b, "no utf-8"), "a\xffb")
	b = AppendLatin1(AppendText(b, "latin1"), "caf\xe9\x00\x80\xff")
	b = AppendText(AppendText(AppendTuple(AppendText(b, "tuple"), 2), "a"), "b")
	b = AppendInt(AppendList(AppendText(b, "list"), 1), 7)
	b = EndDict(BeginDict(AppendText(b, "dict")))
	b = EndDict(b)
	for name, got := range python(t, `
import marshal, sys
v = marshal.loads(bytes.fromhex(sys.stdin.read()))
want = {"none": None, "true": True, "false": False, "one": 1, "minus": -1, "min32": -2**31, "max64": 2**63-1, "min64": -2**63,
  "big": 2**40, "nbig": -2**40, "bytes": b"\x00\xff", "text": "gr\xfcn \u20ac", "no utf-8": "a\ufffdb", "latin1": "caf\xe9\x00\x80\xff", "tuple": ("a", "b"), "list": [7], "dict": {}}
print("same" if v == want else (v, want), end="")
`, hex.EncodeToString(b)) {
		if got != "same" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWeReadWhatPythonWrites(t *testing.T) {
	for name, got := range python(t, `
import marshal, sys
x = "interned"
sys.stdout.write(marshal.dumps((200, "OK", [("Content-Type", "caf\xe9"), (b"X", b"\xff")], {sys.intern(x): [-2**63, 2**63-1, 2**31, -2**31-1, 0], "t": True, "f": False,
  "sur": "\ud800", "text": "\u20ac", "skip": [None, 1.5 and "x", (1, {"a": [b"", ()]})]}), 2).hex())
`, "") {
		data, err := hex.DecodeString(got)
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(string(data))
		if n := d.Tuple(); n != 4 {
			t.Errorf("%s: %d values", name, n)
		}
		if status, reason := d.Int(), d.Latin1(); status != 200 || reason != "OK" {
			t.Errorf("%s: %d %q", name, status, reason)
		}
		var headers []string
		for range d.List() {
			d.Tuple()
			headers = append(headers, d.Latin1(), d.Latin1())
		}
		if strings.Join(headers, "|") != "Content-Type|caf\xe9|X|\xff" {
			t.Errorf("%s: %q", name, headers)
		}
		d.Dict(func(key string) {
			switch key {
			case "interned":
				for i, n := 0, d.List(); i < n; i++ {
					if got, want := d.Int(), []int64{math.MinInt64, math.MaxInt64, 1 << 31, -1<<31 - 1, 0}[i]; got != want {
						t.Errorf("%s: %d, want %d", name, got, want)
					}
				}
			case "t", "f":
				if d.Bool() != (key == "t") {
					t.Errorf("%s: %q is wrong", name, key)
				}
			case "sur":
				if got := d.Text(); !strings.Contains(got, "\ufffd") {
					t.Errorf("%s: %q", name, got)
				}
			case "text":
				if got := d.Text(); got != "€" {
					t.Errorf("%s: %q", name, got)
				}
			default:
				d.Skip()
			}
		})
		if err := d.Finish(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongValuesAreErrors(t *testing.T) {
	for name, input := range map[string]string{
		"empty":                "",
		"huge tuple":           "(\xff\xff\xff\xff",
		"huge list":            "[\xff\xff\xff\x7f",
		"huge string":          "u\xff\xff\xff\xffx",
		"short int":            "i\x01",
		"long with 6 digits":   "l\x06\x00\x00\x00" + strings.Repeat("\x01\x00", 6),
		"digit too large":      "l\x01\x00\x00\x00\xff\xff",
		"int beyond 64 bits":   "l\x05\x00\x00\x00" + strings.Repeat("\x00\x00", 4) + "\x10\x00",
		"float":                "g12345678",
		"code object":          "c\x00\x00\x00\x00",
		"reference":            "r\x00\x00\x00\x00",
		"dict without end":     "{N",
		"too deep":             strings.Repeat("(\x01\x00\x00\x00", 100) + "N",
		"more after the value": "NN",
	} {
		d := NewDecoder(input)
		d.Skip()
		if err := d.Finish(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	d := NewDecoder("u\x03\x00\x00\x00\xe2\x82\xac")
	if got := d.Latin1(); d.Err() == nil {
		t.Errorf("€ as latin-1 is %q", got)
	}
}

func TestMoreValuesThanThereAreBytesAreAnError(t *testing.T) {
	for _, begin := range []func(*Decoder) int{(*Decoder).Tuple, (*Decoder).List} {
		for _, code := range []byte{codeTuple, codeList} {
			d := NewDecoder(string([]byte{code, 3, 0, 0, 0, codeNone, codeNone}))
			if n := begin(d); n != 0 || d.Err() == nil {
				t.Errorf("%q: %d values follow in 2 bytes, %v", code, n, d.Err())
			}
		}
	}
}

func TestHeadEndsWithinItsPayload(t *testing.T) {
	payload := append(make([]byte, 0, 64), 4, 0, 0, 0)
	payload = append(payload, "headbody"...)
	if head, body, err := SplitHead(payload); string(head) != "head" || string(body) != "body" || err != nil {
		t.Errorf("%q %q %v", head, body, err)
	}
	for length, fits := range map[byte]bool{8: true, 9: false, 255: false} {
		payload[0] = length
		if _, _, err := SplitHead(payload); (err == nil) != fits {
			t.Errorf("a head of %d bytes of 8: %v", length, err)
		}
	}
}

func TestDecodingAsciiAllocatesNothing(t *testing.T) {
	b := AppendTuple(nil, 2)
	b = AppendInt(b, 200)
	b = AppendLatin1(b, "text/plain; charset=utf-8")
	input := string(b)
	allocations := testing.AllocsPerRun(100, func() {
		d := Decoder{in: input}
		d.Tuple()
		d.Int()
		d.Latin1()
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("(\x02\x00\x00\x00i\x01\x00\x00\x00u\x01\x00\x00\x00a"))
	f.Add(StartMessage{Kind: "wsgi", Path: []string{"a", "ü"}}.Append(nil))
	f.Add([]byte("{u\x01\x00\x00\x00al\x05\x00\x00\x00\x01\x00\x01\x00\x01\x00\x01\x00\x01\x000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder(string(data))
		d.Skip()
		if err := d.Finish(); err == nil && len(data) == 0 {
			t.Error("nothing was a value")
		}
		_, _ = DecodeReady(data)
		_, _ = DecodeFailed(data)
		if m, err := DecodeLog(data); err == nil && len(m.Message) > 3*len(data) {
			t.Errorf("%d bytes became %d", len(data), len(m.Message))
		}
		if head, body, err := SplitHead(data); err == nil && len(head)+len(body)+4 != len(data) {
			t.Error("bytes were lost")
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("grün", "caf\xe9")
	f.Fuzz(func(t *testing.T, text, latin1 string) {
		d := NewDecoder(string(AppendLatin1(AppendText(nil, text), latin1)))
		if got := d.Text(); got != strings.ToValidUTF8(text, "\ufffd") && !strings.Contains(text, "\xff") && !bytes.ContainsRune([]byte(got), '\ufffd') {
			t.Errorf("%q became %q", text, got)
		}
		if got := d.Latin1(); got != latin1 {
			t.Errorf("%q became %q", latin1, got)
		}
		if err := d.Finish(); err != nil {
			t.Error(err)
		}
	})
}
