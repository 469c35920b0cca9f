package doctor

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/probe"
	"github.com/modgw/modgw/modgw/webserver"
)

// askStream sees whether the first event of a stream comes before the second is sent.
func (p *prober) askStream(ctx context.Context) {
	token := probe.NewToken(probe.Stream)
	conn, err := p.endpoint.dial(ctx, p.host())
	if err != nil {
		return
	}
	defer conn.close()
	resp, err := conn.send(request{
		method: "GET", host: p.host(), target: strings.TrimSuffix(p.place.path(), "/") + "/" + p.key.Segment(token),
		headers: []string{"Accept: text/event-stream", "Accept-Encoding: identity"},
	})
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.Header.Get("Modgw-Probe") != token.ID {
		return
	}
	var got []byte
	for told, buffer := false, make([]byte, 4096); ; {
		n, err := resp.Body.Read(buffer)
		got = append(got, buffer[:n]...)
		if !told && strings.Contains(string(got), "data: first") {
			told = true
			_ = p.doctor.Host.ContinueProbe(ctx, token.ID) // if it fails, the stream ends late
		}
		if err != nil {
			break
		}
	}
	p.say("MGW-DOC-003", strings.Contains(string(got), "data: heard"))
}

// askUpgrade asks for a WebSocket, if the app may have any.
func (p *prober) askUpgrade(ctx context.Context) {
	if !p.place.app.Upgrades() {
		return
	}
	if web := webserver.Reach(p.doctor.Listeners, "http"); web == "" {
		return // the checks of the configuration report it
	}
	key := base64.StdEncoding.EncodeToString([]byte(time.Now().Format("20060102150405.0")[:16]))
	a := p.ask(ctx, probe.Upgrade, "", request{headers: []string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key,
	}})
	p.say("MGW-DOC-005", a.status == http.StatusSwitchingProtocols && a.report != nil)
}
