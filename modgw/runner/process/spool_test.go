package process

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
)

// bigSize is the length of a big response. Three of them are more than the spool has memory for.
const bigSize = 12 << 20

// bigDone counts the big responses that the program under test could write.
var bigDone atomic.Int64

func TestClientsThatDoNotReadKeepNoProgramWaiting(t *testing.T) {
	s := serve(t, "inherited")
	var clients []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, conn)
	}
	watchtest.Eventually(t, "end of the program's work", func() bool { return s.get("/done").body == "3" })
	for _, conn := range clients {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != bigSize || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
	}
	watchtest.Eventually(t, "empty spool", func() bool {
		memory, disk := s.spool.Used()
		return memory == 0 && disk == 0
	})
}
