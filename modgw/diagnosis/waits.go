package diagnosis

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
)

// subject is something that requests wait for.
type subject struct {
	cause string // cause of a diagnosis
	name  string // as in a sentence
	hint  string
}

// Subjects that requests may wait for.
var (
	database = &subject{"waiting_for_database", "the database", "look for slow queries and locks in the database; more threads make more queries"}
	pooled   = &subject{"waiting_for_database", "a free connection to the database",
		"the pool is smaller than the number of requests at once, or connections are not given back"}
	cache    = &subject{"waiting_for_cache", "the cache", "look whether the cache server answers"}
	upstream = &subject{"waiting_for_upstream", "another server", "give the call a shorter timeout, and look whether that server answers"}
	names    = &subject{"waiting_for_names", "name resolution", "look whether the servers in /etc/resolv.conf answer"}
	mail     = &subject{"waiting_for_mail", "the mail server", "send mail after the response, by a queue"}
	broker   = &subject{"waiting_for_broker", "the message broker", "look whether the broker answers"}
	programs = &subject{"waiting_for_program", "a program that the app has started", "give the program a time limit"}
	locks    = &subject{"waiting_for_lock", "a lock or a queue of the app's own", "look for locks that are taken in different orders"}
)

// subjects maps modules, or the packages that contain them, to the subjects that their functions
// wait for.
var subjects = map[string]*subject{
	"psycopg": database, "psycopg2": database, "asyncpg": database, "aiopg": database, "pg8000": database,
	"pymysql": database, "MySQLdb": database, "mysql": database, "aiomysql": database, "asyncmy": database,
	"pymssql": database, "pyodbc": database, "oracledb": database, "cx_Oracle": database, "sqlite3": database,
	"aiosqlite": database, "sqlalchemy": database, "django.db": database, "peewee": database, "pony": database,
	"tortoise": database, "pymongo": database, "motor": database, "cassandra": database, "clickhouse_driver": database,
	"neo4j": database, "elasticsearch": database, "opensearchpy": database,
	"psycopg_pool": pooled, "sqlalchemy.pool": pooled, "asyncpg.pool": pooled,
	"redis": cache, "aioredis": cache, "pymemcache": cache, "pylibmc": cache, "memcache": cache,
	"requests": upstream, "urllib3": upstream, "http.client": upstream, "urllib.request": upstream, "httpx": upstream,
	"httpcore": upstream, "aiohttp": upstream, "botocore": upstream, "grpc": upstream, "socket": upstream, "ssl": upstream,
	"ftplib": upstream, "ldap": upstream, "ldap3": upstream, "paramiko": upstream, "zeep": upstream,
	"dns": names, "aiodns": names, "pycares": names,
	"smtplib": mail, "aiosmtplib": mail, "imaplib": mail,
	"pika": broker, "aio_pika": broker, "amqp": broker, "kombu": broker, "kafka": broker, "aiokafka": broker,
	"subprocess": programs, "threading": locks, "queue": locks,
}

// subjectOf returns the subject that a request waits for, and the library by which it waits. The
// subject is nil if it is unknown, or if the request does not wait.
func subjectOf(l *modgw.Location) (s *subject, library string) {
	if l.Function == "getaddrinfo" {
		return names, "socket.getaddrinfo"
	}
	for module := l.Module; module != ""; module = parent(module) {
		if s := subjects[module]; s != nil {
			return s, module
		}
	}
	library, _, _ = strings.Cut(l.Module, ".")
	return nil, library
}

// parent returns the package that contains a module; "": none.
func parent(module string) string { return module[:max(0, strings.LastIndexByte(module, '.'))] }

// gathering is a group of requests at the same place.
type gathering struct {
	subject  *subject // nil: unknown
	library  string   // the library that they are in; "": the app's own code
	place    string   // file and line in the app's own code of the first one; "": unknown
	requests int
	longest  time.Duration
}

// gather returns the largest group of requests whose place is known, or nil if they are in
// different places.
func (a *App) gather() *gathering {
	type key struct {
		subject *subject
		place   string // requests that wait for the same subject in different places are one group
	}
	all := map[key]*gathering{}
	var most *gathering
	for i := range a.Places {
		l := &a.Places[i]
		about, library := subjectOf(l)
		k := key{subject: about}
		if about == nil {
			k.place = placeOf(l)
		}
		g := all[k]
		if g == nil {
			g = &gathering{subject: about, library: library, place: placeOf(l)}
			all[k] = g
		}
		g.requests++
		g.longest = max(g.longest, l.For)
		if most == nil || g.requests > most.requests {
			most = g
		}
	}
	if most == nil || 3*most.requests < 2*len(a.Places) {
		return nil
	}
	return most
}

// placeOf describes the place of a request for a sentence.
func placeOf(l *modgw.Location) string {
	if l.File == "" {
		return ""
	}
	return fmt.Sprintf("%s line %d", path.Base(l.File), l.Line)
}

// where describes where the requests of a gathering are.
func (a *App) where(g *gathering) string {
	unit := "requests"
	if a.Kind == modgw.KindWSGI {
		unit = "threads"
	}
	text := fmt.Sprintf("%d of %d %s are", g.requests, max(g.requests, len(a.Places)), unit)
	if g.requests == 1 {
		text = strings.Replace(text, "are", "is", 1)
	}
	switch {
	case g.library != "" && g.place != "":
		text += fmt.Sprintf(" in %s, called in %s", g.library, g.place)
	case g.library != "":
		text += " in " + g.library
	case g.place != "":
		text += " in " + g.place
	default:
		return ""
	}
	if g.longest >= time.Second {
		text += fmt.Sprintf(", for %.1f s", g.longest.Seconds())
	}
	return text
}

// isPressed reports whether requests wait for a worker, or the next one would have to.
func (a *App) isPressed() bool {
	r := a.Runner
	return r.Queued > 0 || r.Capacity > 0 && r.Busy >= r.Capacity
}

// longWait is the waiting time from which on a wait is reported although other requests get a
// worker.
const longWait = 10 * time.Second

// waitingRequests is about requests that wait for something outside of the app.
func waitingRequests(a *App) *Diagnosis {
	g := a.gather()
	if g == nil || g.subject == nil || !a.isPressed() && g.longest < longWait {
		return nil
	}
	return a.addPressure(&Diagnosis{
		g.subject.cause, Warning, fmt.Sprintf("waiting for %s: %s", g.subject.name, a.where(g)), g.subject.hint,
	})
}

// blockedLoop is about an event loop in which one request holds up all others.
func blockedLoop(a *App) *Diagnosis {
	for i := range a.Places {
		l := &a.Places[i]
		if !l.Blocks || l.For < time.Second/2 {
			continue
		}
		d := &Diagnosis{"blocked_loop", Critical, fmt.Sprintf("the event loop of worker %d is blocked for %.1f s", l.Worker, l.For.Seconds()),
			"await it, or run it in a thread: await asyncio.to_thread(…)"}
		if place := placeOf(l); place != "" {
			d.Sentence += " by " + place
		}
		if l.Module != "" {
			d.Sentence += ", in " + l.Module + "." + l.Function
		}
		d.Sentence += ": " + a.inFlight()
		return d
	}
	return nil
}

// inFlight describes the number of requests that the app has.
func (a *App) inFlight() string {
	n := a.Runner.Busy + a.Runner.Queued
	if n == 1 {
		return "1 request waits for it"
	}
	return fmt.Sprintf("%d requests wait for it", n)
}
