package python

import "testing"

// finishingApp continues after its response is complete: in the rest of a generator, or in the
// close method of the returned iterable.
const finishingApp = gates + `
class Closing(list):
    def close(self):
        touch("going on")
        wait("gate")
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/close":
        ok(start_response, "done")
        return Closing([b"done"])
    if path == "/generator":
        start_response("200 OK", [("Content-Length", "4")])
        def body():
            yield b"done"
            touch("going on")
            wait("gate")
        return body()
    if path == "/both":
        touch("both" + environ["QUERY_STRING"])
        wait("both1")
        wait("both2")
    return ok(start_response, path)
`

func TestNoRequestWaitsForAnAppThatGoesOnAfterItsResponse(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"/close", "/generator"} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(method+how, func(t *testing.T) {
				t.Parallel()
				a := serve(t, finishingApp, withWorkers(1, 2))
				if got := a.get(how); got.body != "done" {
					t.Fatalf("got %+v", got)
				}
				a.eventually("the app goes on", func() bool { return exists(a.path("going on")) })
				for range 4 { // they have the other thread
					if got := a.do(method, "/quick", nil); got.body != "/quick" {
						t.Fatalf("got %+v", got)
					}
				}
				a.open("gate")
				answers := make(chan answer, 2)
				for _, n := range []string{"1", "2"} { // which need both threads
					go func() { answers <- a.do(method, "/both?"+n, nil) }()
				}
				for range 2 {
					if got := <-answers; got.body != "/both" {
						t.Errorf("got %+v", got)
					}
				}
			})
		}
	}
}
