package meter

import (
	"net/http"
	"strconv"
)

// codeCount is the number of labels for statuses: those that HTTP knows, one for the others of each
// class, and one for no status. So an app that answers with any number cannot make the number of
// series grow.
const codeCount = 70

// noResponse is the label of requests that got no response.
const noResponse = "none"

var codeLabels, codeIndices = makeCodes()

func makeCodes() (labels []string, indices [600]uint8) {
	labels = []string{noResponse, "1xx", "2xx", "3xx", "4xx", "5xx"}
	for status := 100; status < len(indices); status++ {
		indices[status] = uint8(status / 100)
		if http.StatusText(status) != "" {
			indices[status] = uint8(len(labels))
			labels = append(labels, strconv.Itoa(status))
		}
	}
	if len(labels) > codeCount {
		panic("there are more statuses than places for them")
	}
	return labels, indices
}

// codeIndex is the place of a status among the labels.
func codeIndex(status int) int {
	if status < 0 || status >= len(codeIndices) {
		return 0
	}
	return int(codeIndices[status])
}

// CodeLabel is the label of a status: "200" for one that HTTP knows, "2xx" for another one, "none"
// for 0.
func CodeLabel(status int) string { return codeLabels[codeIndex(status)] }
