package fcgi

import "strconv"

// Values are the values with which an application answers an FCGI_GET_VALUES query (section 4.1).
type Values struct {
	MaxConns int  // connections at once
	MaxReqs  int  // requests at once
	Mpxs     bool // several requests at once on one connection
}

// Answer returns the content of the result record for the content of a query: the values that are
// known of the names asked for. If a query is malformed, its valid beginning is answered.
func (v Values) Answer(query string) []byte {
	var answer []byte
	var done [3]bool
	known := func(i int, name, value string) {
		if !done[i] {
			done[i] = true
			answer = AppendPair(answer, name, value)
		}
	}
	_ = EachPair(query, func(name, _ string) {
		switch name {
		case "FCGI_MAX_CONNS":
			known(0, name, strconv.Itoa(v.MaxConns))
		case "FCGI_MAX_REQS":
			known(1, name, strconv.Itoa(v.MaxReqs))
		case "FCGI_MPXS_CONNS":
			mpxs := "0"
			if v.Mpxs {
				mpxs = "1"
			}
			known(2, name, mpxs)
		}
	})
	return answer
}
