package cgi

import (
	"errors"
	"fmt"
)

// MaxVariables is the largest size of one request's encoded variables that a front reads, in bytes.
const MaxVariables = 1 << 20

// Sizes of one name and value, in bytes, and how many variables a request may have.
const (
	maxName  = 256
	maxValue = 64 << 10
	maxCount = 4096
)

// ErrLimit is wrapped by every error about variables that exceed a limit.
var ErrLimit = errors.New("limit exceeded")

// CheckTotal returns an error if all variables of a request have too many bytes.
func CheckTotal(n int) error {
	if n > MaxVariables {
		return fmt.Errorf("%w: %d bytes of variables, at most %d are read", ErrLimit, n, MaxVariables)
	}
	return nil
}

func checkSizes(name, value, count int) error {
	switch {
	case name > maxName:
		return fmt.Errorf("%w: a name of %d bytes, at most %d are read", ErrLimit, name, maxName)
	case value > maxValue:
		return fmt.Errorf("%w: a value of %d bytes, at most %d are read", ErrLimit, value, maxValue)
	case count > maxCount:
		return fmt.Errorf("%w: more than %d variables", ErrLimit, maxCount)
	}
	return nil
}
