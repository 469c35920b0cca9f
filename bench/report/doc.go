// Package report presents the measurements: as JSON, as Markdown tables, as plots, and as verdicts
// on the bars that modgw is held to.
package report
