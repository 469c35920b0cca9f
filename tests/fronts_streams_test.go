package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// caller tests a single door.
type caller struct {
	site *site
	door door
	mark string // begins the names of its marks
}

// file returns the path of a file by which the app and the test inform each other of their
// progress.
func (v caller) file(name string) string {
	return v.site.path("apps/told/marks/" + v.mark + "-" + name)
}

// send opens a connection and sends the beginning of a request on it.
func (v caller) send(t *testing.T, text string) net.Conn {
	t.Helper()
	conn := v.door.dial(t)
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	return conn
}

// able reports whether the door is not in the list of doors that cannot do it.
func (v caller) able(cannot string) bool {
	return !slices.ContainsFunc(strings.Split(cannot, ";"), func(pattern string) bool {
		ok, err := path.Match(pattern, v.door.name)
		return ok && err == nil
	})
}

func (v caller) events(t *testing.T) {
	conn := v.send(t, "GET / HTTP/1.1\nHost: x\nX-Answer: events\nX-Mark: "+v.mark+"\n\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 3 {
		want := fmt.Sprintf("data: %d\n\n", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
		if err := os.WriteFile(v.file(fmt.Sprint("arrived-", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("after the last event: %q, %v", rest, err)
	}
}

func (v caller) gone(t *testing.T) {
	conn := v.send(t, "GET / HTTP/1.1\nHost: x\nX-Answer: endless\nX-Mark: "+v.mark+"\n\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	v.site.eventually("the app is told", func() bool {
		_, err := os.Stat(v.file("closed"))
		return err == nil
	})
}

// gatherers are the doors at which a server passes on the whole body before it reads a response.
const gatherers = "mod_wsgi;Apache, mod_fcgid;Apache, mod_cgid;nginx, uwsgi;nginx, scgi;lighttpd, *;Apache, HTTP;Apache, uwsgi;Apache, scgi;HAProxy, FastCGI"

func (v caller) refusal(t *testing.T) {
	// More than host and worker buffer of a body that the app does not read: then Apache, too,
	// reads a response.
	const sent = 3 << 20
	size := sent
	if v.able(gatherers) {
		size = 8 * sent
	}
	conn := v.send(t, fmt.Sprintf("POST / HTTP/1.1\nHost: x\nX-Answer: refusal\nContent-Length: %d\n\n", size))
	// A server may close the connection during this write; only the response matters.
	_, _ = conn.Write(bytes.Repeat([]byte("x"), sent))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != 413 || string(body) != "too large" || err != nil {
		t.Errorf("%s %q, %v", resp.Status, body, err)
	}
}

// largeBodies sends large bodies in both directions and checks that neither the host nor its
// workers keep them in memory: they need no more memory for one body than for many bodies of an
// eighth of its size. MODGW_LARGE is the size in MiB; it defaults to 40.
func largeBodies(t *testing.T, s *site, doors []door) {
	size, every := 40<<20, false
	if text := os.Getenv("MODGW_LARGE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		size, every = n<<20, true
	}
	some := []string{"direct", "Apache, FastCGI", "Apache, HTTP", "nginx, uwsgi", "lighttpd, scgi", "HAProxy, FastCGI"}
	for _, d := range doors {
		if !every && !slices.Contains(some, d.name) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			processes := append(descendants(s.pid), s.pid)
			peaks(t, processes)
			for range 6 {
				d.exchange(t, size/8)
			}
			little := peaks(t, processes)
			d.exchange(t, size)
			for i, much := range peaks(t, processes) {
				most := int64(size / 2)
				if processes[i] == s.pid {
					most = int64(size) // a busy machine leaves it much garbage
				}
				if grown := much - little[i]; grown > most && little[i] > 0 {
					t.Errorf("process %d needed %d MiB, and %d for smaller bodies", processes[i], much>>20, little[i]>>20)
				}
			}
		})
	}
}

// exchange receives a body of a size, and sends one.
func (d door) exchange(t *testing.T, size int) {
	t.Helper()
	received := d.large(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Answer: large\r\nX-Size: "+fmt.Sprint(size)+"\r\n\r\n", 0, io.Discard)
	if received != int64(size) {
		t.Errorf("%d bytes arrived of %d", received, size)
	}
	var told bytes.Buffer
	d.large(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size), size, &told)
	if !strings.Contains(told.String(), fmt.Sprintf(`"body": "%d `, size)) {
		t.Errorf("the app was told %.300q", &told)
	}
}

// large sends a head and a body of a size, and copies the response's body to w.
func (d door) large(t *testing.T, head string, size int, w io.Writer) int64 {
	t.Helper()
	conn := d.dial(t)
	defer conn.Close()
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 1<<20)
	for range size / len(piece) {
		if _, err := conn.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%s, %d bytes, %v", resp.Status, n, err)
	}
	return n
}

// peaks returns the largest memory sizes of processes since the last call, in bytes; 0 for a
// process that has ended.
func peaks(t *testing.T, processes []int) []int64 {
	t.Helper()
	sizes := make([]int64, len(processes))
	for i, pid := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			if _, err := fmt.Sscan(rest, &sizes[i]); err != nil {
				t.Fatal(err)
			}
			sizes[i] <<= 10
		}
		// proc(5): 5 resets the peak. Without the right to it, the peak of the whole life counts.
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	}
	return sizes
}
