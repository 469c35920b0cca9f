package process

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// programs are the programs that the test binary can be as an app.
var programs = map[string]func(){
	"port":      func() { must(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler())) },
	"port6":     func() { must(http.ListenAndServe("[::1]:"+os.Getenv("PORT"), handler())) },
	"any":       func() { must(http.ListenAndServe(":"+os.Getenv("PORT"), handler())) },
	"inherited": func() { must(http.Serve(inheritedListener(), handler())) },
	"stray":     func() { must(http.Serve(listenAnywhere(), handler())) },
	"flag":      func() { must(http.ListenAndServe("127.0.0.1:"+strings.TrimPrefix(os.Args[1], "--port="), handler())) },
	"variable":  func() { must(http.ListenAndServe(os.Getenv("SHOP_ADDRESS"), handler())) },
	"late":      late,
	"neither":   func() { fmt.Println("without a listener"); time.Sleep(time.Hour) },
	"exits":     func() { fmt.Fprintln(os.Stderr, "no database at all"); os.Exit(7) },
	"graceful":  graceful,
	"raw":       raw,
	"single":    func() { must(http.Serve(inheritedListener(), oneByOne(handler()))) },
}

func must(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// listenAnywhere listens on any free port.
func listenAnywhere() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		must(err)
	}
	fmt.Println("listening on", l.Addr())
	return l
}

// late opens another port, and opens the port for requests once a file exists.
func late() {
	defer listenAnywhere().Close()
	awaitFile(os.Getenv("GATE"))
	must(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler()))
}

// inheritedListener returns the listener described in sd_listen_fds(3).
func inheritedListener() net.Listener {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" || os.Getenv("LISTEN_FDNAMES") != "modgw" {
		must(fmt.Errorf("LISTEN_PID=%s LISTEN_FDS=%s", os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")))
	}
	l, err := net.FileListener(os.NewFile(3, "http"))
	if err != nil {
		must(err)
	}
	return l
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Version", os.Getenv("VERSION"))
		_ = json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "uri": r.RequestURI, "host": r.Host, "header": r.Header, "pid": os.Getpid(),
			"env": os.Environ(), "te": r.TransferEncoding, "length": r.ContentLength,
		})
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		if _, err := w.Write(make([]byte, bigSize)); err == nil {
			bigDone.Add(1)
		}
	})
	mux.HandleFunc("/done", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, bigDone.Load()) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			fmt.Println("body:", err)
		}
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "I have read enough", http.StatusForbidden)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("slow began")
		select {
		case <-r.Context().Done():
			fmt.Println("slow was cancelled")
		case <-time.After(duration(r)):
			fmt.Fprint(w, "at last")
		}
	})
	mux.HandleFunc("/crash", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("crash began")
		go func() { panic("nothing catches this") }()
		<-r.Context().Done()
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/ws", webSocketEcho)
	return mux
}

// oneByOne answers one request after the other, even if their clients leave, as programs with one
// thread do.
func oneByOne(h http.Handler) http.Handler {
	var turn sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn.Lock()
		defer turn.Unlock()
		if r.URL.Path == "/hang" {
			fmt.Println("hang began")
			select {}
		}
		h.ServeHTTP(w, r)
	})
}

func duration(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.URL.Query().Get("for"))
	if err != nil {
		return time.Hour
	}
	return d
}

// webSocketEcho accepts a WebSocket, and echoes every frame. For a frame with the text "half" it
// sends one half of the frame, and the other half when the next frame arrives.
func webSocketEcho(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		must(err)
	}
	defer conn.Close()
	fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	_ = buffered.Flush()
	for {
		opcode, text, err := readFrame(buffered.Reader)
		if err != nil {
			return
		}
		fmt.Printf("frame %d %q\n", opcode, text)
		frame := append([]byte{0x80 | opcode, byte(len(text))}, text...)
		if string(text) == "half" {
			_, _ = conn.Write(frame[:3])
			_, _, _ = readFrame(buffered.Reader)
			frame = frame[3:]
		}
		if _, err := conn.Write(frame); err != nil || opcode == 8 {
			return
		}
	}
}

// readFrame reads a small frame, masked or not.
func readFrame(r *bufio.Reader) (opcode byte, text []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	mask := make([]byte, 4)
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask); err != nil {
			return 0, nil, err
		}
	}
	text = make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, nil, err
	}
	for i := range text {
		text[i] ^= mask[i%4]
	}
	return head[0] & 0xf, text, nil
}

// graceful ends on SIGTERM, after its requests.
func graceful() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := http.Server{Handler: handler()}
	go func() { _ = server.Serve(inheritedListener()) }()
	<-ctx.Done()
	_ = server.Shutdown(context.Background())
}

// awaitFile waits until a file exists.
func awaitFile(name string) {
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// raw answers with the bytes that the query contains, and keeps the connection open if requested.
func raw() {
	l := inheritedListener()
	for {
		conn, err := l.Accept()
		if err != nil {
			must(err)
		}
		go func() {
			defer conn.Close()
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			text, _ := strconv.Unquote(`"` + r.URL.Query().Get("answer") + `"`)
			if n, err := strconv.Atoi(r.URL.Query().Get("pad")); err == nil {
				text = strings.ReplaceAll(text, "PAD", strings.Repeat("x", n))
			}
			_, _ = io.WriteString(conn, text)
			if later := r.URL.Query().Get("later"); later != "" {
				awaitFile(r.URL.Query().Get("gate"))
				_, _ = io.WriteString(conn, later)
			}
			if r.URL.Query().Get("hold") != "" {
				_, _ = io.Copy(io.Discard, conn)
			}
		}()
	}
}
