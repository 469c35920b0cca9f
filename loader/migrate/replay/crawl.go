package replay

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Crawl controls how far links are followed.
type Crawl struct {
	Plain  *Server  // the server whose pages are read; nil: there is none without TLS
	Secure *Server  // the server for pages with TLS; nil: there is none
	Hosts  []string // names whose start pages are read; links to them are followed
	Most   int      // requests that are collected at most
}

// leaving are parts of paths of links that are not followed: they end a session, or change
// something although they should not.
var leaving = []string{
	"logout", "log-out", "signout", "sign-out", "delete", "remove", "unsubscribe",
}

// Run adds the start page of each host and the targets of its pages' links, up to Most requests. It
// returns the error of a start page that cannot be read.
func (c Crawl) Run(ctx context.Context, rs *Requests) (err error) {
	for _, host := range c.Hosts {
		start := Request{Method: "GET", Host: host, Target: "/", From: "start page"}
		if c.Plain != nil {
			rs.Add(start)
		}
		if start.Secure = true; c.Secure != nil {
			rs.Add(start)
		}
	}
	for i := 0; i < len(rs.List) && ctx.Err() == nil; i++ {
		r := rs.List[i]
		if r.Method != "GET" {
			continue
		}
		answer := c.server(r).Ask(ctx, r)
		if answer.Err != nil && r.Target == "/" && err == nil {
			err = answer.Err
		}
		for _, link := range links(answer) {
			if next, ok := c.request(r, link); ok && len(rs.List) < c.Most {
				next.From = "link on " + r.Host + r.Target
				rs.Add(next)
			}
		}
	}
	return err
}

// server is the one that answers a request.
func (c Crawl) server(r Request) *Server {
	if r.Secure && c.Secure != nil || c.Plain == nil {
		return c.Secure
	}
	return c.Plain
}

// request is that for a link on the page of another request.
func (c Crawl) request(page Request, link string) (r Request, ok bool) {
	base := &url.URL{Scheme: c.server(page).URL.Scheme, Host: page.Host}
	at, err := base.Parse(page.Target)
	if err != nil {
		return r, false
	}
	u, err := at.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return r, false
	}
	for _, host := range c.Hosts {
		if strings.EqualFold(withoutPort(u.Host), withoutPort(host)) {
			r = Request{Method: "GET", Host: host, Target: u.RequestURI(), Secure: u.Scheme == "https"}
		}
	}
	if r.Target == "" {
		return r, false
	}
	for _, word := range leaving {
		if strings.Contains(strings.ToLower(r.Target), word) {
			return r, false
		}
	}
	return r, true
}

// links returns the links of a page, and the target of a redirect.
func links(a Answer) (found []string) {
	if location := a.Header.Get("Location"); location != "" {
		found = append(found, location)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return found
	}
	for page := html.NewTokenizer(bytes.NewReader(a.Body)); ; {
		switch page.Next() {
		case html.ErrorToken:
			return found
		case html.StartTagToken, html.SelfClosingTagToken:
			for _, attribute := range page.Token().Attr {
				switch attribute.Key {
				case "href", "src":
					found = append(found, attribute.Val)
				}
			}
		}
	}
}
