package cgi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/runnertest"
)

func TestSlowClientsHoldNoScript(t *testing.T) {
	d := descriptor(t)
	d.CGI.Concurrency = 1
	a := serve(t, d, map[string]string{
		"big":   plain + "head -c 12582912 /dev/zero\n",
		"up":    plain + "wc -c\n",
		"quick": plain + "echo quick\n",
	})
	body := strings.Repeat("x", 1_000_000)
	text := fmt.Sprintf("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	var readers, senders []*runnertest.Client
	for range 3 {
		reader, sender := a.Connect(), a.Connect()
		reader.Send("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		sender.Send(text[:500_000])
		readers, senders = append(readers, reader), append(senders, sender)
	}
	a.Want(a.Get("/quick"), 200, "quick")
	a.Eventually("idle app", func() bool { return a.Status().Busy == 0 })
	for _, c := range senders {
		go c.Send(text[500_000:])
	}
	for _, c := range senders {
		a.Want(c.Answer(), 200, "1000000")
	}
	for _, c := range readers {
		if got := c.Answer(); got.Err != nil || len(got.Body) != 12<<20 {
			t.Errorf("got %d, %d bytes, %v", got.Status, len(got.Body), got.Err)
		}
	}
	a.AwaitEmptySpool()
}
