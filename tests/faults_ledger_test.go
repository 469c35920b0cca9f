package tests

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
)

// faultyApp writes down each request that it executes, and makes a mistake in four of a hundred.
const faultyApp = `
import ctypes, os, time

NOTES = os.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "executed"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def application(environ, start_response):
    number = int(environ["QUERY_STRING"])
    body = environ["wsgi.input"].read()
    os.write(NOTES, b"%d\n" % number)
    match number % 100:
        case 17:
            raise ValueError(number)
        case 37:
            os._exit(3)
        case 57:
            ctypes.string_at(0)
        case 77:
            time.sleep(60)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d %d" % (number, len(body))]
`

// mistakes are the right ends of the requests that the app makes a mistake in.
var mistakes = map[int]int{17: 500, 37: 502, 57: 502, 77: 504}

// Every request has one definite end, no unsafe request is executed twice, and a request that
// breaks a worker only takes down the other requests in that worker.
func TestF82EveryRequestIsAccountedForUnderFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/app.py", faultyApp)
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi {
		    entry   = "app.py"
		    workers = 3
		    threads = 4
		  }
		  timeouts {
		    request = "2s"
		    stop    = "1s"
		  }
		}
	`)
	s.start()
	s.awaitTemplate()
	const clients, requests = 6, 900
	files := openFiles(t, s.pid)
	var mu sync.Mutex
	ends := map[int]string{} // of each request: "200", another status, or an error
	var asking sync.WaitGroup
	client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	for first := range clients {
		asking.Go(func() {
			for number := first; number < requests; number += clients {
				end := ask(client, s.url, number)
				mu.Lock()
				ends[number] = end
				mu.Unlock()
				if number%300 == 0 && number > 0 {
					// a reload besides
					s.write("apps/one/app.py", faultyApp+fmt.Sprintf("# %d\n", number))
				}
			}
		})
	}
	asking.Wait()
	client.CloseIdleConnections()

	executed := map[string]int{}
	for number := range strings.FieldsSeq(s.read("apps/one/executed")) {
		executed[number]++
	}
	var bystanders []string
	for number := range requests {
		end, times := ends[number], executed[fmt.Sprint(number)]
		mistake, wrong := mistakes[number%100]
		switch {
		case isOrder(number) && times > 1:
			t.Errorf("POST %d was executed %d times", number, times)
		case wrong && end == "502": // by its own mistake or by another's
		case wrong && end != fmt.Sprint(mistake):
			t.Errorf("request %d ended with %s, want %d", number, end, mistake)
		case !wrong && end == "200" && times == 0:
			t.Errorf("request %d was answered and not executed", number)
		case !wrong && end == "502":
			bystanders = append(bystanders, fmt.Sprint(number))
		case !wrong && end != "200":
			t.Errorf("request %d ended with %s", number, end)
		}
	}
	if most := 3 * requests / 100 * 3; len(bystanders) > most {
		t.Errorf("%d requests were lost with others, at most %d can be: %s", len(bystanders), most, bystanders)
	}
	t.Logf("%d requests, %d lost with others", requests, len(bystanders))
	s.eventually("there are three workers again", func() bool { return len(s.status("one").Runner.Workers) == 3 })
	s.eventually("no more files are open than before", func() bool { return openFiles(t, s.pid) <= files })
}

// isOrder reports whether a request must not be executed twice.
func isOrder(number int) bool { return number%2 == 0 || number%100 == 57 }

// ask sends a request and returns its end.
func ask(client *http.Client, url string, number int) string {
	method := "GET"
	if isOrder(number) {
		method = "POST"
	}
	text := strings.Repeat("x", number)
	r, err := http.NewRequest(method, fmt.Sprintf("%s/?%d", url, number), nil)
	if err != nil {
		return err.Error()
	}
	if method == "POST" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	} else {
		text = ""
	}
	response, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch want := fmt.Sprintf("%d %d", number, len(text)); {
	case err != nil:
		return err.Error()
	case response.StatusCode == 200 && string(body) != want:
		return fmt.Sprintf("%q in place of %q", body, want)
	}
	return fmt.Sprint(response.StatusCode)
}
