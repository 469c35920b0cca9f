package process

import "testing"

func FuzzResponseScan(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), uint8(3))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\ntransfer-encoding: x\nContent-Length: 1\n\n"), uint8(1))
	f.Add([]byte("HTTP/1.1 101 \r\n\r\nContent-Length: 1\nTransfer-Encoding: x\n"), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		whole, pieces := responseScan{inHead: true}, responseScan{inHead: true}
		want, got := whole.take(data), error(nil)
		for rest := data; len(rest) > 0 && got == nil; {
			n := min(int(size)+1, len(rest))
			got = pieces.take(rest[:n])
			rest = rest[n:]
		}
		if got != want || got == nil && whole != pieces {
			t.Fatalf("%v in one, %v in pieces", want, got)
		}
	})
}
