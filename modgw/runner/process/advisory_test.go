package process

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// CVE-2020-24553: a response that the app does not declare as HTML is not declared as HTML because
// of its content.
func TestP15TypeThatTheProgramDoesNotSayIsNotGuessed(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Env[programEnv] = "raw" })
	got := s.get("/?answer=" + url.QueryEscape(`HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n<script>alert(1)</script>`))
	if got.status != 200 || got.err != nil || len(got.header["Content-Type"]) > 0 {
		t.Errorf("got %d, type %q, %v", got.status, got.header["Content-Type"], got.err)
	}
}

// CVE-2024-24795, CVE-2023-38709: no output of a program can split a response, and its process is
// not ended for it.
func TestP16HeadsThatCouldSplitAResponse(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Env[programEnv] = "raw" })
	pid := s.worker().PID
	for name, head := range map[string]string{
		"carriage return": `HTTP/1.1 200 OK\r\nX-A: b\rX-Forged: yes\r\n`,
		"line feed":       `HTTP/1.1 200 OK\r\nX-A: b\n X-Forged: yes\r\n`,
		"NUL":             `HTTP/1.1 200 OK\r\nX-A: b\x00X-Forged: yes\r\n`,
		"escape":          `HTTP/1.1 200 OK\r\nX-A: \x1b[31m\r\n`,
		"colon missing":   `HTTP/1.1 200 OK\r\nX-A\r\n`,
		"empty name":      `HTTP/1.1 200 OK\r\n: b\r\n`,
		"name in pieces":  `HTTP/1.1 200 OK\r\nX A: b\r\n`,
		"folded name":     `HTTP/1.1 200 OK\r\n X-Forged: yes\r\n`,
		"status 99":       `HTTP/1.1 99 Low\r\n`,
		"status of words": `HTTP/1.1 OK OK\r\n`,
		"status -200":     `HTTP/1.1 -200 OK\r\n`,
		"reason":          `HTTP/1.1 200 OK\rX-Forged: yes\r\n`,
	} {
		t.Run(name, func(t *testing.T) {
			got := s.get("/?answer=" + url.QueryEscape(head+`Content-Length: 5\r\n\r\nwhole`))
			if got.header.Get("X-Forged") != "" {
				t.Errorf("a header was forged: %v", got.header)
			}
			for field, values := range got.header {
				if strings.ContainsAny(field+strings.Join(values, ""), "\r\n\x00\x1b") {
					t.Errorf("got %q: %q", field, values)
				}
			}
			if got.err == nil && got.status < 500 && got.body != "whole" {
				t.Errorf("got %d %q", got.status, got.body)
			}
		})
	}
	if now := s.worker().PID; now != pid {
		t.Errorf("process %d was replaced by %d", pid, now)
	}
}

// CVE-2022-31813: a client cannot remove the host's headers by listing them in Connection.
func TestP17ConnectionTakesNothingAway(t *testing.T) {
	s := serve(t, "inherited")
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Request-Id", "Host"} {
		got := s.seen("/", "Connection", "close, "+name)
		for _, told := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Request-Id"} {
			if got.Header.Get(told) == "" {
				t.Errorf("with Connection: %s the program does not get %s", name, told)
			}
		}
		if got.Host != s.addr {
			t.Errorf("with Connection: %s the host is %q", name, got.Host)
		}
	}
}

// CVE-2015-7519, CVE-2022-2255: among headers about the client, the program gets only the host's
// own.
func TestH4ProgramHearsOfItsClientFromTheHostAlone(t *testing.T) {
	s := serve(t, "inherited")
	var spoofed []string
	for _, name := range append([]string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Ssl",
		"X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-User", "X_Forwarded_For", "X_Real_Ip",
	}, claims...) {
		spoofed = append(spoofed, name, "spoofed")
	}
	got := s.seen("/", spoofed...)
	for name, values := range got.Header {
		if strings.Contains(fmt.Sprint(values), "spoofed") {
			t.Errorf("%s arrives: %q", name, values)
		}
	}
}

// CVE-2010-3872, CVE-2007-4727: a head without end is given up.
func TestP20HeadWithoutEndIsGivenUp(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Env[programEnv] = "raw" })
	for name, head := range map[string]string{
		"headers": `HTTP/1.1 200 OK\r\n` + strings.Repeat(`X: y\r\n`, 2000) + `X: PAD`,
		"header":  `HTTP/1.1 200 OK\r\nX: PAD`,
		"status":  `HTTP/1.1 200 PAD`,
		"interim": strings.Repeat(`HTTP/1.1 103 Early\r\nX: y\r\n\r\n`, 500) + `PAD`,
	} {
		t.Run(name, func(t *testing.T) {
			got := s.get("/?hold=1&pad=10000000&answer=" + url.QueryEscape(head))
			if got.status != http.StatusBadGateway {
				t.Errorf("got %d, %v", got.status, got.err)
			}
		})
	}
}
