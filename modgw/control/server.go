package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/probe"
)

// Server answers the API.
type Server struct {
	Host  Host         // answers the requests
	Log   *slog.Logger // nil discards
	Audit *Audit       // nil: no audit log

	refusals refusals

	once sync.Once
	api  http.Handler // set by handler
}

// Serve answers connections of l until ctx is done, and returns when every answer has ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	api := s.handler()
	server := &http.Server{
		Handler:           api,
		ReadHeaderTimeout: 10 * time.Second,
		// Long answers, such as followed logs and awaited reloads, end with the host.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withCaller,
		ErrorLog:    slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	return listen.ServeHTTP(ctx, server, &peerListener{Listener: l, isAdmin: s.Host.IsAdmin, log: s.Log, open: map[uint32]int{}})
}

func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.reads("status", visible(s.statusFor)))
	mux.HandleFunc("GET /v1/descriptors", visible(s.descriptorsFor))
	mux.HandleFunc("GET /v1/claims", visible(s.claimsFor))
	mux.HandleFunc("GET /v1/logs", s.reads("logs", s.logs))
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /v1/history", s.reads("history", s.history))
	mux.HandleFunc("GET /v1/apps/{app}/requests", s.reads("requests", s.ownersOnly(s.requestRecords)))
	mux.HandleFunc("GET /v1/apps/{app}/disk", s.reads("disk", s.ownersOnly(s.disk)))
	mux.HandleFunc("POST /v1/dashboard", s.openDashboard)
	mux.HandleFunc("GET /v1/policy", visible(s.policyFor))
	mux.HandleFunc("GET /v1/audit", s.reads("audit", s.audit))
	mux.HandleFunc("POST /v1/probes", s.adminsOnly(s.armProbes))
	mux.HandleFunc("GET /v1/probes/{id}", s.adminsOnly(s.probeReport))
	mux.HandleFunc("POST /v1/probes/{id}/continue", s.adminsOnly(s.continueProbe))
	mux.HandleFunc("POST /v1/shutdown", s.audited("shutdown", s.adminsOnly(s.shutdown)))
	mux.HandleFunc("POST /v1/upgrade", s.audited("upgrade", s.adminsOnly(s.upgrade)))
	mux.HandleFunc("POST /v1/reload", s.audited("reload", s.adminsOnly(s.order(s.Host.Reload))))
	for verb, handler := range map[string]http.HandlerFunc{
		"reload":   s.order(s.Host.Reload),
		"restart":  s.order(s.Host.Restart),
		"rollback": s.act(s.Host.Rollback),
		"stop":     s.act(s.Host.StopApp),
	} {
		mux.HandleFunc("POST /v1/apps/{app}/"+verb, s.audited(verb, s.ownersOnly(handler)))
	}
	mux.HandleFunc("POST /v1/apps/{app}/scale", s.audited("scale", s.ownersOnly(s.scale)))
	return mux
}

// scale sets the number of workers of an app. Without workers in the query, the app returns to its
// descriptor.
func (s *Server) scale(w http.ResponseWriter, r *http.Request) {
	var scale modgw.Scale
	var err error
	if text := r.URL.Query().Get("workers"); text != "" {
		scale, err = modgw.ParseScale(text)
	}
	var status modgw.ScaleStatus
	if err == nil {
		status, err = s.Host.Scale(modgw.AppName(r.PathValue("app")), scale)
	}
	reply(w, status, err)
}

// visible returns a handler that answers with a value as seen by the caller.
func visible[T any](of func(caller) T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { respond(w, of(callerOf(r.Context()))) }
}

func (s *Server) audit(w http.ResponseWriter, r *http.Request) {
	most, _ := strconv.Atoi(r.URL.Query().Get("lines"))
	who, app := callerOf(r.Context()), modgw.AppName(r.URL.Query().Get("app"))
	if s.Audit == nil {
		respond(w, []Action{})
		return
	}
	actions, err := s.Audit.Read(most, func(a Action) bool {
		return (app == "" || a.App == app) && (who.admin || a.UID == who.uid || a.Result != "refused" && s.maySee(who, a.App))
	})
	reply(w, actions, err)
}

// metrics answers with the metrics that the caller may see.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	who := callerOf(r.Context())
	may := func(app modgw.AppName) bool { return s.maySee(who, app) }
	if who.admin {
		may = nil
	}
	s.Host.Metrics(may).ServeHTTP(w, r)
}

// history answers with the figures of the apps that the caller may see, or of one of them.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	who, app := callerOf(r.Context()), modgw.AppName(r.URL.Query().Get("app"))
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	respond(w, s.Host.History(time.UnixMilli(since), func(name modgw.AppName) bool {
		return (app == "" || name == app) && s.maySee(who, name)
	}))
}

func (s *Server) requestRecords(w http.ResponseWriter, r *http.Request) {
	records, err := s.Host.RequestRecords(modgw.AppName(r.PathValue("app")))
	reply(w, records, err)
}

// openDashboard answers with a link that gives a browser the caller's rights.
func (s *Server) openDashboard(w http.ResponseWriter, r *http.Request) {
	link, err := s.Host.OpenDashboard(callerOf(r.Context()).uid)
	reply(w, link, err)
}

func (s *Server) shutdown(w http.ResponseWriter, _ *http.Request) {
	respond(w, struct{}{})
	s.Host.Shutdown()
}

func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	done, err := s.Host.Upgrade(r.Context(), r.URL.Query().Get("program"))
	reply(w, done, err)
}

// act returns a handler that performs one of the host's verbs, and answers when that is done.
func (s *Server) act(verb func(context.Context, modgw.AppName) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		reply(w, struct{}{}, verb(r.Context(), modgw.AppName(r.PathValue("app"))))
	}
}

// order is like act, for a verb that continues after its caller stops waiting; with ?wait=false the
// caller never waits.
func (s *Server) order(verb func(context.Context, modgw.AppName) error) http.HandlerFunc {
	waiting := s.act(verb)
	beginning := s.act(func(ctx context.Context, app modgw.AppName) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if err := verb(ctx, app); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("wait") == "false" {
			beginning(w, r)
			return
		}
		waiting(w, r)
	}
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	lines, _ := strconv.Atoi(q.Get("lines"))
	query := LogQuery{
		App:     modgw.AppName(q.Get("app")),
		Request: q.Get("request"),
		Lines:   lines,
		Follow:  q.Has("follow"),
	}
	var level slog.Level
	if q.Has("level") && level.UnmarshalText([]byte(q.Get("level"))) == nil {
		query.Level = &level
	}
	query.Since, _ = time.Parse(time.RFC3339Nano, q.Get("since"))
	query.Until, _ = time.Parse(time.RFC3339Nano, q.Get("until"))
	who := callerOf(r.Context())
	w.Header().Set("Content-Type", "application/jsonl")
	w.WriteHeader(http.StatusOK)
	encoder, controller := json.NewEncoder(w), http.NewResponseController(w)
	_ = controller.Flush()
	s.Host.Logs(r.Context(), query, func(record LogRecord) bool {
		if !s.maySee(who, record.App) {
			return true
		}
		return encoder.Encode(record) == nil && controller.Flush() == nil
	})
}

// armProbes returns a key for probes. An invalid lifetime counts as zero.
func (s *Server) armProbes(w http.ResponseWriter, r *http.Request) {
	lifetime, _ := time.ParseDuration(r.URL.Query().Get("lifetime"))
	respond(w, s.Host.ArmProbes(lifetime))
}

// probeReport answers with a list that contains the report of a probe, or is empty.
func (s *Server) probeReport(w http.ResponseWriter, r *http.Request) {
	reports := []probe.Report{}
	if report, ok := s.Host.ProbeReport(r.PathValue("id")); ok {
		reports = append(reports, report)
	}
	respond(w, reports)
}

func (s *Server) continueProbe(w http.ResponseWriter, r *http.Request) {
	s.Host.ContinueProbe(r.PathValue("id"))
	respond(w, struct{}{})
}

func respond(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	// A client that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(answer)
}

// reply responds unless there is an error.
func reply(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	respond(w, answer)
}

// errorAnswer is the answer to a request that could not be performed.
type errorAnswer struct {
	Code  string `json:"code"` // "": the error has no code
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, err error) {
	answer := errorAnswer{Error: err.Error()}
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		answer.Code = fault.Code
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusConflict)
	_ = json.NewEncoder(w).Encode(answer)
}
