package replay

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// longestLine is the longest line of a log or a list, in bytes.
const longestLine = 1 << 20

// ReadList adds the requests of a list: a line for each, such as "/path", "HEAD /path" or
// "https://www.example.com/path". Empty lines and those that begin with "#" are skipped. name is
// the name of the file.
func (rs *Requests) ReadList(r io.Reader, name string) error {
	return eachLine(r, func(number int, line string) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			return
		}
		method, target, ok := strings.Cut(line, " ")
		if !ok {
			method, target = "GET", line
		}
		request := Request{Method: method, Target: strings.TrimSpace(target)}
		request.From = fmt.Sprintf("%s:%d", name, number)
		if u, err := url.Parse(request.Target); err == nil && u.Host != "" && u.Scheme != "" {
			request.address(u)
		}
		rs.Add(request)
	})
}

// Read adds the requests of a file that is an access log or a list.
func (rs *Requests) Read(r io.Reader, name string) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	beginning, _ := buffered.Peek(32 << 10) // an error shows again when the rest is read
	for line := range strings.Lines(string(beginning)) {
		if _, ok := parseLine(strings.TrimSpace(line)); ok {
			return rs.ReadLog(buffered, name)
		}
	}
	return rs.ReadList(buffered, name)
}

func eachLine(r io.Reader, f func(number int, line string)) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longestLine)
	number := 1
	for ; scanner.Scan(); number++ {
		f(number, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("cannot read line %d: %w", number, err)
	}
	return nil
}
