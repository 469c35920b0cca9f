package export

import "strings"

// forwardedHeaders are those by which proxies speak of the client. Over FastCGI, uwsgi and SCGI the server says the same
// in variables, so that whatever comes in these headers comes from the client.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
	"X-Forwarded-Server", "X-Forwarded-Prefix", "X-Real-Ip"}

// variable is the name that a header has in CGI.
func variable(header string) string {
	return "HTTP_" + strings.ToUpper(strings.ReplaceAll(header, "-", "_"))
}

// spellings are the names that are one variable for an app: with each "-" as it is and as "_".
func spellings(header string) []string {
	first, rest, found := strings.Cut(header, "-")
	if !found {
		return []string{header}
	}
	var all []string
	for _, tail := range spellings(rest) {
		all = append(all, first+"-"+tail, first+"_"+tail)
	}
	return all
}
