// Package queue gives requests their turns: each one gets a place at the least busy of a runner's
// members, which may be processes or programs, or waits in order until one is free, as long and in
// such numbers as the app's queue allows.
//
// It starts nothing and knows neither requests nor members.
package queue
