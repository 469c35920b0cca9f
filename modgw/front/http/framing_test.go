package http

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// ends feeds all octets in pieces and returns the offsets at which requests end, and the verdict.
func ends(octets []byte, pieces func(left int) int) (at []int, passed int, why verdict) {
	var f framing
	for passed < len(octets) && why == accepted {
		n := pieces(len(octets) - passed)
		for left := octets[passed : passed+n]; len(left) > 0 && f.verdict == accepted; {
			completed := f.completed
			m := f.feed(left)
			left = left[m:]
			if passed += m; f.completed > completed && n == 1 {
				at = append(at, passed)
			}
		}
		why = f.verdict
	}
	return at, passed, why
}

func whole(left int) int { return left }
func single(int) int     { return 1 }

func TestVerdictsOfTheCorpus(t *testing.T) {
	for _, c := range corpus {
		// Both at the beginning of a connection and after another request.
		for _, before := range []string{"", getHead + "\r\n"} {
			want := c.want
			if want == badPreface && before != "" {
				want = otherVersion
			}
			_, passed, why := ends([]byte(before+c.octets+getHead+"\r\n"), whole)
			if why != want {
				t.Errorf("%s: %q after %d octets, want %q", c.name, why, passed, want)
			}
		}
	}
}

func TestHTTP2IsNotLookedInto(t *testing.T) {
	_, passed, why := ends([]byte(preface+"\x00\n\n: \x00"), whole)
	if why != accepted || passed != len(preface)+6 {
		t.Errorf("%q after %d octets", why, passed)
	}
}

func TestMethodsLikeThePrefaceAreMethods(t *testing.T) {
	for _, method := range []string{"P", "PR", "PRI", "PRIX", "PROPFIND", "PUT"} {
		for _, pieces := range []func(int) int{whole, single} {
			if _, _, why := ends([]byte(method+" /x HTTP/1.1\r\nHost: a\r\n\r\n"), pieces); why != accepted && method != "PRI" {
				t.Errorf("%s: %s", method, why)
			}
		}
	}
}

func TestAcceptedLengthsAreCounted(t *testing.T) {
	for _, c := range corpus {
		if c.want != accepted || c.name == "empty line after a POST" {
			continue
		}
		if at, _, _ := ends([]byte(c.octets), single); !slices.Equal(at, []int{len(c.octets)}) {
			t.Errorf("%s ends at %v, want at %d", c.name, at, len(c.octets))
		}
	}
}

// Whatever comes: the verdict does not depend on how it is cut into pieces, and every request that net/http reads from
// what was let through ends where framing says that it ends, without an error in its body.
func FuzzFraming(f *testing.F) {
	for _, c := range corpus {
		if len(c.octets) < 10000 {
			f.Add([]byte(c.octets+getHead+"\r\n"), uint64(len(c.name)))
		}
	}
	f.Add([]byte(preface+"\x00\x00\x00\x04"), uint64(3))
	f.Fuzz(func(t *testing.T, octets []byte, seed uint64) {
		_, passed, why := ends(octets, whole)
		at, bySingle, whySingle := ends(octets, single)
		_, byPieces, whyPieces := ends(octets, func(left int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			return 1 + int(seed>>33)%min(left, 40)
		})
		if passed != bySingle || passed != byPieces || why != whySingle || why != whyPieces {
			t.Fatalf("whole: %q after %d; one by one: %q after %d; in pieces: %q after %d",
				why, passed, whySingle, bySingle, whyPieces, byPieces)
		}
		if (why == accepted) != (passed == len(octets)) {
			t.Fatalf("%q after %d of %d octets", why, passed, len(octets))
		}
		if !bytes.HasPrefix(octets, []byte("PRI ")) {
			compareWithNetHTTP(t, octets[:passed], at)
		}
	})
}

func TestARefusalIsFinal(t *testing.T) {
	for _, c := range corpus {
		var f framing
		for left := []byte(c.octets); len(left) > 0 && f.verdict == accepted; {
			left = left[f.feed(left):]
		}
		if c.want == accepted || f.verdict == accepted {
			continue
		}
		if n := f.feed([]byte(getHead + "\r\n")); n != 0 || f.verdict != c.want {
			t.Errorf("%s: %d octets were taken after the refusal, and then %q", c.name, n, f.verdict)
		}
	}
}

// compareWithNetHTTP lets net/http read requests as long as it can; at says where they end.
func compareWithNetHTTP(t *testing.T, octets []byte, at []int) {
	in := bytes.NewReader(octets)
	buffered := bufio.NewReader(in)
	for i := 0; ; i++ {
		r, err := http.ReadRequest(buffered)
		if err != nil || r.ProtoMajor != 1 {
			return // net/http refuses it, and closes
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			if i < len(at) {
				t.Fatalf("request %d is complete at %d, and net/http says %v: %q", i, at[i], err, octets)
			}
			return
		}
		end := len(octets) - in.Len() - buffered.Buffered()
		if i >= len(at) || at[i] != end {
			t.Fatalf("request %d ends at %d for net/http, and at %v for framing: %q", i, end, at, octets)
		}
		if lengths := r.Header["Content-Length"]; len(lengths) > 1 || len(r.TransferEncoding) > 0 && lengths != nil {
			t.Fatalf("ambiguous: %q", octets)
		}
	}
}

func BenchmarkFraming(b *testing.B) {
	for name, request := range map[string]string{
		"small":   "GET / HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		"browser": browserRequest,
		"chunks":  chunks + strings.Repeat("1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n", 16) + "0\r\n\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			octets := []byte(request)
			b.SetBytes(int64(len(octets)))
			b.ReportAllocs()
			var f framing
			for b.Loop() {
				for left := octets; len(left) > 0; {
					if left = left[f.feed(left):]; f.verdict != accepted {
						b.Fatal(f.verdict)
					}
				}
			}
		})
	}
}

const browserRequest = "GET /shop/articles?page=2&sort=price HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: https://shop.example.com/shop/articles?page=1&sort=price\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: sessionid=3f2504e04f8911d39a0c0305e82c3301; csrftoken=9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n" +
	"Priority: u=0, i\r\n\r\n"
