package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

const twoApps = `
app "crawled" {
  root  = "${path.dir}/page"
  hosts = ["crawled.test"]
  wsgi {
    entry   = "app.py"
    workers = 1
  }
}
app "neighbour" {
  root = "${path.dir}/page"
  wsgi {
    entry   = "app.py"
    workers = 1
  }
}
`

// measureCrawler measures how soon an app refuses requests that it cannot serve, and whether
// another app is affected.
func measureCrawler(ctx context.Context, bed testbed.Bed, args []string) error {
	flags := flag.NewFlagSet("crawler", flag.ContinueOnError)
	connections := flags.Int("connections", 2000, "connections of the crawler")
	pause := flags.Duration("pause", 2*time.Second, "time between two requests of a connection")
	during := flags.Duration("during", 15*time.Second, "time of the crawl")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := bed.Write("apps/page/app.py", waitingPage); err != nil {
		return err
	}
	if err := bed.Write("apps/two.hcl", twoApps); err != nil {
		return err
	}
	host, err := bed.Serve(ctx, "apps")
	if err != nil {
		return err
	}
	defer host.Stop()
	url := "http://" + host.Address + "/"
	alone := sendAtRate(ctx, url, 20, *during/3)
	crawling, stop := context.WithTimeout(ctx, *during)
	defer stop()
	result := make(chan *crawl, 1)
	go func() { result <- crawlFrom(crawling, host.Address, *connections, *pause) }()
	beside := sendAtRate(ctx, url, 20, *during)
	c := <-result
	fmt.Printf("neighbour alone:   %d requests, %d lost, p50 %s, p99 %s\n", alone.sent, alone.lost, alone.quantile(0.5), alone.quantile(0.99))
	fmt.Printf("neighbour, crawl:  %d requests, %d lost, p50 %s, p99 %s\n", beside.sent, beside.lost, beside.quantile(0.5), beside.quantile(0.99))
	fmt.Printf("crawled app:       %d answered 200, %d broken\n", c.served.Load(), c.broken.Load())
	fmt.Printf("refused with 503:  %d, %d of them without Retry-After, p50 %s, p99 %s, longest %s\n",
		c.refused.sent, c.refused.lost, c.refused.quantile(0.5), c.refused.quantile(0.99), c.refused.quantile(1))
	return nil
}

// crawl is the outcome of the requests of a crawler.
type crawl struct {
	served, broken atomic.Int64

	mu      sync.Mutex
	refused outcome // lost: answers without Retry-After
}

// crawlFrom sends requests on many connections, until ctx is done.
func crawlFrom(ctx context.Context, address string, connections int, pause time.Duration) *crawl {
	c := &crawl{}
	var crawlers sync.WaitGroup
	for i := range connections {
		crawlers.Go(func() {
			// They do not all connect at the same moment.
			c.connect(ctx, address, pause*time.Duration(i)/time.Duration(connections), pause)
		})
	}
	crawlers.Wait()
	return c
}

// connect sends the requests of one connection.
func (c *crawl) connect(ctx context.Context, address string, first, pause time.Duration) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		c.broken.Add(1)
		return
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for wait := first; ; wait = pause {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: crawled.test\r\n\r\n"); err != nil {
			c.broken.Add(1)
			return
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			c.broken.Add(1)
			return
		}
		took := time.Since(began)
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil {
			c.broken.Add(1)
			return
		}
		c.note(response, took)
	}
}

// note counts an answer.
func (c *crawl) note(response *http.Response, took time.Duration) {
	switch response.StatusCode {
	case http.StatusOK:
		c.served.Add(1)
	case http.StatusServiceUnavailable:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refused.sent++
		c.refused.times = append(c.refused.times, took)
		if response.Header.Get("Retry-After") == "" {
			c.refused.lost++
		}
	default:
		c.broken.Add(1)
	}
}
