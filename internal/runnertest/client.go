package runnertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// Client is a client that sends exactly the bytes that the test chooses.
type Client struct {
	app  *App
	conn net.Conn
	in   *bufio.Reader
}

// Connect opens a connection, which accepts some hundred kilobytes from the server before the test
// reads them.
func (a *App) Connect() *Client {
	a.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.Close() })
	return &Client{app: a, conn: conn, in: bufio.NewReader(conn)}
}

// Send sends text.
func (c *Client) Send(text string) {
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.app.Error(err)
	}
}

// EndInput shuts down the sending side, but still reads.
func (c *Client) EndInput() {
	if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
		c.app.Error(err)
	}
}

// Close hangs up.
func (c *Client) Close() { c.conn.Close() }

// Answer reads a response to its end.
func (c *Client) Answer() Answer {
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, string(data), err}
}

// AwaitEmptySpool waits until the spool is empty.
func (a *App) AwaitEmptySpool() {
	a.Helper()
	a.Eventually("an empty spool", func() bool {
		memory, disk := a.Spool.Used()
		return memory == 0 && disk == 0
	})
}
