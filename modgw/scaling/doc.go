// Package scaling decides how many workers apps have whose number depends on the load.
//
// [Need] and [Decide] are functions of figures alone. A [Controller] measures the figures while
// requests wait or apps have more workers than the least, and does nothing at other times.
package scaling
