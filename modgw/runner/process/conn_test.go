package process

import "testing"

func TestResponsesThatBreakTheRulesOfLengthsAreNotPassedOn(t *testing.T) {
	const ok, noBody = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 No Content\r\n"
	for name, c := range map[string]struct {
		response string
		isHead   bool
		want     error
		complete bool
	}{
		"the whole body":       {ok + "Content-Length: 2\r\n\r\nhi", false, nil, true},
		"a part of the body":   {ok + "Content-Length: 3\r\n\r\nhi", false, nil, false},
		"more than the body":   {ok + "Content-Length: 1\r\n\r\nhi", false, errBeyond, false},
		"no length":            {ok + "\r\nhi", false, nil, false},
		"the answer to HEAD":   {ok + "Content-Length: 1\r\n\r\nhi", true, nil, false},
		"a status without":     {noBody + "Content-Length: 1\r\n\r\nhi", false, nil, false},
		"no number":            {ok + "Content-Length: x\r\n\r\nhi", false, nil, false},
		"two lengths":          {ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", false, errTwoLengths, false},
		"two lengths, swapped": {ok + "transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n", false, errTwoLengths, false},
		"after early hints":    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nhi", false, errBeyond, false},
		"HEAD, early hints":    {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nhi", true, nil, false},
		"another protocol":     {"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 1\r\n\r\nhi", false, nil, false},
	} {
		s := responseScan{state: inStatusLine, isHead: c.isHead}
		if got := s.follow([]byte(c.response)); got != c.want || s.isComplete() != c.complete {
			t.Errorf("%s: %v, complete: %v", name, got, s.isComplete())
		}
	}
}

func FuzzResponseScan(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), uint8(3))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\ntransfer-encoding: x\nContent-Length: 1\n\n"), uint8(1))
	f.Add([]byte("HTTP/1.1 101 \r\n\r\nContent-Length: 1\nTransfer-Encoding: x\n"), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		whole, pieces := responseScan{state: inStatusLine}, responseScan{state: inStatusLine}
		want, got := whole.follow(data), error(nil)
		for rest := data; len(rest) > 0 && got == nil; {
			n := min(int(size)+1, len(rest))
			got = pieces.follow(rest[:n])
			rest = rest[n:]
		}
		if got != want || got == nil && whole != pieces {
			t.Fatalf("%v in one, %v in pieces", want, got)
		}
	})
}
