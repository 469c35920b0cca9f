package scgi

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// variable is a CGI meta-variable.
type variable struct{ Name, Value string }

// variables returns the variables that read finds in text, or nil after an error.
func variables(read func(*bufio.Reader, func(name, value string)) error, text string) (list []variable, err error) {
	err = read(bufio.NewReader(strings.NewReader(text)), func(name, value string) { list = append(list, variable{name, value}) })
	if err != nil {
		return nil, err
	}
	return list, nil
}

func netstringVariables(text string) ([]variable, error) {
	return variables(readNetstring, text)
}

func TestNetstrings(t *testing.T) {
	length := variable{Name: "CONTENT_LENGTH", Value: "0"}
	for _, c := range []struct {
		name, text string
		want       []variable
		err        error
	}{
		{name: "length alone", text: "17:CONTENT_LENGTH\x000\x00,", want: []variable{length}},
		{name: "two variables", text: "21:CONTENT_LENGTH\x000\x00A\x00b\x00,", want: []variable{length, {Name: "A", Value: "b"}}},
		{name: "empty second length", text: "33:CONTENT_LENGTH\x000\x00CONTENT_LENGTH\x00\x00,", want: []variable{length}},
		{name: "length not first", text: "21:A\x00b\x00CONTENT_LENGTH\x000\x00,", err: errGarbled},
		{name: "empty length", text: "16:CONTENT_LENGTH\x00\x00,", err: errGarbled},
		{name: "empty", text: "0:,", err: errGarbled},
		{name: "no comma", text: "17:CONTENT_LENGTH\x000\x00;", err: errGarbled},
		{name: "name without value", text: "19:CONTENT_LENGTH\x000\x00A\x00,", err: errGarbled},
		{name: "value without end", text: "18:CONTENT_LENGTH\x000\x00A,", err: errGarbled},
		{name: "too long", text: "1048577:", err: cgi.ErrLimit},
		{name: "cut in the length", text: "17", err: io.EOF},
		{name: "cut in the content", text: "17:CONT", err: io.ErrUnexpectedEOF},
	} {
		if got, err := netstringVariables(c.text); !reflect.DeepEqual(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestWhatIsNoNetstringIsRefused(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", ":", "-1:", "017:CONTENT_LENGTH\x000\x00,", "9999999999:", "1 :", "\x00\x06\x00\x00"} {
		list, err := netstringVariables(text)
		if f, ok := errors.AsType[*modgw.Fault](err); list != nil || !ok || !faulttest.Has(f.Error(), "MGW-REQ-013") {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

// FuzzNetstring reads anything: it ends.
func FuzzNetstring(f *testing.F) {
	f.Add("21:CONTENT_LENGTH\x000\x00A\x00b\x00,")
	f.Add("999999999:")
	f.Add("0:,")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = netstringVariables(text)
	})
}
