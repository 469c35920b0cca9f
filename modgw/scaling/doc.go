// Package scaling decides the number of workers of apps for which it depends on the load.
//
// [Need] and [Decide] are pure functions of figures. A [Controller] measures the figures while
// requests wait or apps have more than their minimum of workers, and is idle otherwise.
package scaling
