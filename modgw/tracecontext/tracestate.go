package tracecontext

import "strings"

// Limits of a tracestate header: members of its list, and bytes of all of it. The specification
// wants at least 512 bytes passed on.
const (
	mostMembers = 32
	mostBytes   = 2048
	longestName = 256 // of a key, and of a value
)

// ParseTracestate returns the list of a request's tracestate headers as one; "" if it has a
// mistake, or is too long to be passed on.
func ParseTracestate(headers []string) string {
	state := strings.Join(headers, ",")
	if len(state) > mostBytes {
		return ""
	}
	members := 0
	for member := range strings.SplitSeq(state, ",") {
		member = strings.Trim(member, " \t")
		if member == "" {
			continue // empty members are allowed
		}
		key, value, ok := strings.Cut(member, "=")
		if members++; !ok || members > mostMembers || !isKey(key) || !isValue(value) {
			return ""
		}
	}
	if members == 0 {
		return ""
	}
	return state
}

// isKey reports whether s can be the key of a member, with a tenant or without.
func isKey(s string) bool {
	if s == "" || len(s) > longestName {
		return false
	}
	tenant, system, multi := strings.Cut(s, "@")
	if !multi {
		return isLower(s[0]) && isName(s)
	}
	return tenant != "" && system != "" && len(tenant) <= 241 && len(system) <= 14 &&
		(isLower(tenant[0]) || isDigit(tenant[0])) && isLower(system[0]) && isName(tenant) && isName(system)
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isDigit(c) && strings.IndexByte("_-*/", c) < 0 {
			return false
		}
	}
	return true
}

// isValue reports whether s can be the value of a member: printable, and without a space at its
// end, which would not have reached us.
func isValue(s string) bool {
	if s == "" || len(s) > longestName {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '=' {
			return false
		}
	}
	return true
}
