package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Action is a line of the audit log: an action of a user on the control socket, or its refusal.
type Action struct {
	Time   time.Time     `json:"time"`            // time of its end
	User   string        `json:"user"`            // login name, or number
	UID    uint32        `json:"uid"`             // user ID of the requesting process
	PID    int32         `json:"pid"`             // its process ID
	Verb   string        `json:"verb"`            // such as "reload" or "shutdown"
	App    modgw.AppName `json:"app,omitempty"`   // "": all apps, or the host
	To     string        `json:"to,omitempty"`    // new value, such as "1..8"; "": none
	Result string        `json:"result"`          // "done", "begun" or "refused"
	Error  string        `json:"error,omitempty"` // why it was refused, in one line

	// Last means that further refusals of the user in the same minute are not logged.
	Last bool `json:"last,omitempty"`
}

// largestAudit is the size in bytes from which on a new audit log file is begun. The previous file
// is kept.
const largestAudit = 4 << 20

// Audit is the log of the actions on the control socket: JSON lines in a file that only the host's
// user can read.
type Audit struct {
	path string
	mu   sync.Mutex
}

// AuditIn returns the audit log in a state folder.
func AuditIn(state string) *Audit { return &Audit{path: filepath.Join(state, "audit.log")} }

// Add writes an action.
func (a *Audit) Add(action Action) error {
	line, err := json.Marshal(action)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if info, err := os.Lstat(a.path); err == nil && info.Size() >= largestAudit {
		if err := os.Rename(a.path, a.path+".1"); err != nil {
			return fmt.Errorf("cannot begin a new audit log: %w", err)
		}
	}
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the audit log: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// Read returns the last actions for which keep reports true, oldest first, but not more than most
// (0: all).
func (a *Audit) Read(most int, keep func(Action) bool) ([]Action, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []Action{}
	for _, path := range []string{a.path + ".1", a.path} {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read the audit log: %w", err)
		}
		for line := range bytes.Lines(text) {
			var action Action
			// A line that a crash has cut short is skipped.
			if json.Unmarshal(line, &action) == nil && keep(action) {
				all = append(all, action)
			}
		}
	}
	if most > 0 && len(all) > most {
		all = all[len(all)-most:]
	}
	return all, nil
}

// recorder records the answer to an action.
type recorder struct {
	http.ResponseWriter
	status int
	answer bytes.Buffer
}

// WriteHeader records the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write records the text of a refusal.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status != http.StatusOK {
		r.answer.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

// audited writes each action to the audit log when it has ended.
func (s *Server) audited(verb string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answered := &recorder{ResponseWriter: w, status: http.StatusOK}
		next(answered, r)
		action := s.actionOf(r, verb)
		if scale, err := modgw.ParseScale(r.URL.Query().Get("workers")); verb == "scale" && err == nil {
			action.To = scale.String()
		}
		var said errorAnswer
		switch {
		case answered.status != http.StatusOK:
			_ = json.Unmarshal(answered.answer.Bytes(), &said) // it is this package's own
			action.Result, action.Error = "refused", firstLine(said.Error)
		case r.URL.Query().Get("wait") == "false":
			action.Result = "begun"
		}
		s.write(action)
	}
}

// actionOf returns the action that a request asks for, with the result "done".
func (s *Server) actionOf(r *http.Request, verb string) Action {
	who := callerOf(r.Context())
	return Action{
		Time: time.Now(), User: s.Host.UserName(who.uid), UID: who.uid, PID: who.pid,
		Verb: verb, App: modgw.AppName(r.PathValue("app")), Result: "done",
	}
}

// write writes an action to the log and the audit log. The number of refusals per user is limited.
func (s *Server) write(action Action) {
	if action.Result == "refused" && !s.Host.IsAdmin(action.UID) {
		admitted, last := s.refusals.admit(action.UID, action.Time)
		if !admitted {
			return
		}
		action.App, action.Last = shorten(action.App), last
	}
	s.Log.Info("action over the control socket",
		"app", action.App, "action", action.Verb, "user", action.User, "result", action.Result)
	if s.Audit == nil {
		return
	}
	if err := s.Audit.Add(action); err != nil {
		s.Log.Error("action not in the audit log", "action", action.Verb, "error", err.Error())
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
