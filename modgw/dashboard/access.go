package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/listen"
)

// codeUnknownApp is the code of a fault about an app that does not exist, or that the visitor
// cannot see.
const codeUnknownApp = "MGW-APP-109"

// cookieName is the name of the cookie of every session. Browsers send cookies to all ports of a
// machine, including those of other users and of apps: the path of the session, which they do not
// know, hides the cookie from them.
const cookieName = "modgw-dashboard"

// visitor is the user with whose rights a request is handled.
type visitor struct {
	uid     uint32
	root    string   // beginning of the paths of all pages
	form    string   // value that forms must send
	session *session // nil: the socket identifies the visitor
}

// peerKey is the context key of the user at the other end of a Unix socket.
type peerKey struct{}

// withPeer stores the user of a connection in its context. A web server passes on the requests of
// others, so its user is not stored.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	c, ok := conn.(*countedConn).Conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	peer, err := listen.CredentialsOf(c)
	if err != nil || listen.IsWebServer(peer.Uid) {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, peer.Uid)
}

// visitorOf returns the visitor of a request, or nil if the request has no user's rights.
func (d *Dashboard) visitorOf(r *http.Request) *visitor {
	if id := r.PathValue("session"); id != "" {
		for _, cookie := range r.CookiesNamed(cookieName) {
			if s := d.sessions.find(id, cookie.Value); s != nil {
				return &visitor{uid: s.uid, root: d.prefix() + "/s/" + id, form: s.form, session: s}
			}
		}
		return nil
	}
	if uid, ok := r.Context().Value(peerKey{}).(uint32); ok {
		return &visitor{uid: uid, root: d.prefix(), form: d.sessions.formOf(uid)}
	}
	return nil
}

// formOf returns the value that forms must send if the user has no session.
func (s *sessions) formOf(uid uint32) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(strconv.FormatUint(uint64(uid), 10)))
	return hex.EncodeToString(mac.Sum(nil))
}

// visit is a request of a visitor who has access.
type visit struct {
	*Dashboard
	visitor
	w      http.ResponseWriter
	r      *http.Request
	client *control.Client
}

// visited returns a handler for visitors who have been let in.
func (d *Dashboard) visited(page func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := d.visitorOf(r)
		if who == nil {
			d.refuse(w, http.StatusUnauthorized, "This browser has not been let in",
				"Run modgw-host dashboard on the machine of the host, and open the link that it prints. A link works once, for five "+
					"minutes; a session ends after eight hours without use, or when the host restarts.")
			return
		}
		v := &visit{d, *who, w, r, d.config.As(who.uid)}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			if !hmac.Equal([]byte(r.PostFormValue("form")), []byte(who.form)) {
				d.refuse(w, http.StatusForbidden, "This form is not from the dashboard", "Go back, load the page again, and try once more.")
				return
			}
		}
		if err := page(v); err != nil {
			d.fail(v, err)
		}
	}
}

// fail shows an error of the host.
func (d *Dashboard) fail(v *visit, err error) {
	status := http.StatusBadGateway
	if refusal, ok := errors.AsType[*control.Refusal](err); ok {
		status = http.StatusConflict
		if refusal.Code == codeUnknownApp {
			status = http.StatusNotFound
		}
	}
	if _, ok := errors.AsType[*modgw.Fault](err); ok {
		status = http.StatusBadRequest // the visitor's input is wrong
	}
	title, text, _ := strings.Cut(err.Error(), "\n")
	v.show(status, "message", v.page(title, message{Text: text}))
}

// enter gives access to a browser with a valid token.
func (d *Dashboard) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD would use the link up
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	opened, cookie := d.sessions.enter(r.URL.Query().Get("token"))
	if opened == nil {
		d.refuse(w, http.StatusForbidden, "This link is not valid any more",
			"A link works once, for five minutes. Run modgw-host dashboard again for another one.")
		return
	}
	root := d.prefix() + "/s/" + opened.id
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: cookie, Path: root + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: d.config.URL != nil && d.config.URL.Scheme == "https", MaxAge: int(sessionLife.Seconds()),
	})
	d.log.Info("browser let into the dashboard", "user", opened.uid)
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		http.Redirect(w, r, root+"/", http.StatusSeeOther)
		return
	}
	// This may be a link on a page of another site: a redirect would count as a request of that
	// site, and would not carry a cookie that is restricted to this site.
	w.Header().Set("Refresh", "0; url="+root+"/")
	d.message(w, http.StatusOK, "Welcome", "The dashboard opens by itself.", root+"/")
}

// leave ends the session.
func (v *visit) leave() error {
	if v.session != nil {
		v.sessions.leave(v.session.id)
		http.SetCookie(v.w, &http.Cookie{Name: cookieName, Path: v.root + "/", MaxAge: -1})
	}
	v.message(v.w, http.StatusOK, "You have left the dashboard", "Run modgw-host dashboard for another link.", "")
	return nil
}
