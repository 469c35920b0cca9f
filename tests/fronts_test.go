package tests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// outcome holds the results of an exchange for the client and the app: status, headers and body of
// the response, and the variables that the app received.
type outcome map[string]string

// TestEveryFrontGivesTheSameAnswer sends the same requests through every web server and front to
// one WSGI app, and compares the results with the app's answers under mod_wsgi. differences lists
// the differences that web servers force; no others are accepted.
func TestEveryFrontGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := newTold(t)
	doors := s.doors()
	t.Run("requests", func(t *testing.T) { sameAnswers(t, doors) })
	for i, d := range doors {
		v := caller{s, d, fmt.Sprint("door", i)}
		t.Run("streams/"+d.name, func(t *testing.T) {
			t.Parallel()
			t.Run("events arrive as they are sent", v.events)
			t.Run("the app learns that its client has gone", v.gone)
			t.Run("a response comes before the body is complete", v.refusal)
		})
	}
	t.Run("large", func(t *testing.T) { largeBodies(t, s, doors) })
}

func sameAnswers(t *testing.T, doors []door) {
	measure := make([]outcome, len(rows))
	for i, r := range rows {
		measure[i] = doors[0].ask(t, r)
	}
	met := map[int]bool{}
	for _, d := range doors[1:] {
		for i, r := range rows {
			compare(t, d, r, measure[i], d.ask(t, r), met)
		}
	}
	for i, d := range differences {
		if !met[i] {
			t.Errorf("there is no such difference any more: %+v", d)
		}
	}
}

// compare fails the test for each difference from want that is not on the list, and records the
// differences that are.
func compare(t *testing.T, d door, r row, want, got outcome, met map[int]bool) {
	t.Helper()
	names := []string{"status"}
	if got["status"] == want["status"] { // or all else would be different too
		all := maps.Clone(want)
		maps.Copy(all, got)
		names = slices.Sorted(maps.Keys(all))
	}
	for _, name := range names {
		if got[name] == want[name] {
			continue
		}
		at := slices.IndexFunc(differences, func(x difference) bool { return x.covers(d.name, r.name, name, got) })
		if at < 0 {
			t.Errorf("%s: %s: %s is %.200q, under mod_wsgi %.200q", d.name, r.name, name, got[name], want[name])
			continue
		}
		met[at] = true
	}
}

// dial opens a connection that ends by itself at last.
func (d door) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask sends a row and returns its outcome.
func (d door) ask(t *testing.T, r row) outcome {
	t.Helper()
	conn := d.dial(t)
	defer conn.Close()
	_, port, _ := net.SplitHostPort(d.addr)
	head, rest := r.raw(port)
	if !r.expects() {
		head, rest = head+rest, ""
	}
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	o := outcome{}
	stream := bufio.NewReader(conn)
	asked := &http.Request{Method: r.verb()}
	resp, err := http.ReadResponse(stream, asked)
	if err == nil && resp.StatusCode == 100 {
		o["100"] = "Continue"
		if _, err := io.WriteString(conn, rest); err != nil {
			t.Fatal(err)
		}
		resp, err = http.ReadResponse(stream, asked)
	}
	if err != nil {
		o["status"] = "none: " + err.Error()
		return o
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o["error"] = err.Error()
	}
	o["status"] = fmt.Sprint(resp.StatusCode)
	if r.answer == "" {
		if resp.StatusCode == http.StatusOK {
			o.take(t, body, port)
		}
		return o // without it the server itself has answered
	}
	if !r.announced() {
		// the host adds it if it has the complete response at once
		resp.Header.Del("Content-Length")
	}
	o["text"] = string(body)
	for name, values := range resp.Header {
		if !slices.Contains([]string{"Date", "Server", "Connection", "Keep-Alive"}, name) {
			o["header "+name] = strings.Join(values, "\n")
		}
	}
	return o
}

// take adds the variables that the app received. It leaves out variables that describe the server
// and not the request.
func (o outcome) take(t *testing.T, body []byte, port string) {
	t.Helper()
	var told map[string]string
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	for name, value := range told {
		if name == "body" || name == "wsgi.url_scheme" || strings.HasPrefix(name, "HTTP_") || slices.Contains(variables, name) {
			o[name] = strings.ReplaceAll(value, port, "PORT")
		}
	}
	delete(o, "HTTP_X_REQUEST_START")
	delete(o, "HTTP_CONNECTION") // applies only to one connection
}

// variables are the CGI variables that describe the request.
var variables = []string{"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_PROTOCOL",
	"SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_USER", "AUTH_TYPE", "REQUEST_URI", "REQUEST_SCHEME"}
