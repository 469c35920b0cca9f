package pysource

import (
	"fmt"
	"strings"
	"testing"
)

// show writes the content of a module, one line per statement.
func show(m *Module) string {
	var b strings.Builder
	unsure := func(sure bool) string {
		if sure {
			return ""
		}
		return " (perhaps)"
	}
	for _, v := range m.Bindings {
		fmt.Fprintf(&b, "%d %s = %s%s", v.Line, v.Name, showValue(v.Value), unsure(v.Sure))
		if len(v.Env) > 0 {
			fmt.Fprintf(&b, " by $%s", strings.Join(v.Env, " $"))
		}
		b.WriteByte('\n')
	}
	for _, p := range m.Path {
		fmt.Fprintf(&b, "%d sys.path %s%s\n", p.Line, p.Dir, unsure(p.Sure))
	}
	for _, v := range m.Environ {
		fmt.Fprintf(&b, "%d environ %s = %s%s\n", v.Line, v.Name, showValue(v.Value), unsure(v.Sure))
	}
	for _, a := range m.Activated {
		fmt.Fprintf(&b, "%d executes %s\n", a.Line, a.Path)
	}
	for _, c := range m.Changed {
		fmt.Fprintf(&b, "%d changes to %s\n", c.Line, c.Path)
	}
	for _, f := range m.Functions {
		fmt.Fprintf(&b, "%d defines %s\n", f.Line, f.Name)
	}
	for _, n := range m.Unread {
		fmt.Fprintf(&b, "%d unread: %s\n", n.Line, n.Reason)
	}
	for _, n := range m.Mistakes {
		fmt.Fprintf(&b, "%d mistake: %s\n", n.Line, n.Reason)
	}
	return b.String()
}

func showValue(v Value) string {
	if reason := Reason(v); strings.Contains(reason, "contains itself") {
		return "? " + reason
	}
	switch v := v.(type) {
	case Unknown:
		return "? " + v.Reason
	case string:
		return fmt.Sprintf("%q", v)
	case *List:
		return "[" + showAll(v.Items) + "]"
	case *Dict:
		var all []string
		for i, key := range v.Keys {
			all = append(all, showValue(key)+": "+showValue(v.Values[i]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case *Computed:
		return v.Op + "(" + showAll(v.Args) + ")"
	case None:
		return "None"
	case int64, float64, bool, Path:
		return fmt.Sprint(v)
	}
	return "an object"
}

func showAll(values []Value) string {
	var all []string
	for _, v := range values {
		all = append(all, showValue(v))
	}
	return strings.Join(all, ", ")
}

func TestWhatIsReadOfAFile(t *testing.T) {
	for _, test := range readings {
		t.Run(test.name, func(t *testing.T) {
			m := Read("/srv/blog/app.wsgi", []byte(strings.TrimLeft(test.source, "\n")), Options{Environ: test.environ, Dir: test.dir})
			want := strings.TrimLeft(strings.ReplaceAll(test.want, "\t", ""), "\n")
			if got := show(m); got != want {
				t.Errorf("read\n%s\nand not\n%s", got, want)
			}
		})
	}
}

var readings = []struct {
	name, source, want string
	environ            map[string]string
	dir                string
}{
	{name: "sys.path edits around the file", source: `
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))
os.environ['DJANGO_SETTINGS_MODULE'] = 'blog.settings'
os.environ.setdefault("TZ", 'Europe/Berlin')
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`, want: `
		7 application = an object
		2 sys.path /srv/blog
		3 sys.path /srv/blog/../lib
		4 environ DJANGO_SETTINGS_MODULE = "blog.settings"
		5 environ TZ = "Europe/Berlin"
`},
	{name: "activate_this in all of its forms", source: `
activate_this = '/srv/venv/bin/activate_this.py'
execfile(activate_this, dict(__file__=activate_this))
exec(open("/a/bin/activate_this.py").read(), {'__file__': "/a/bin/activate_this.py"})
with open('/b/bin/activate_this.py') as f:
    exec(f.read(), dict(__file__=activate_this))
exec(compile(open('/c/activate_this.py', "rb").read(), 'x', 'exec'), globals())
exec open('/d/activate_this.py').read() in {}
exec(downloaded)
`, want: `
		1 activate_this = "/srv/venv/bin/activate_this.py"
		4 f = an object
		2 executes /srv/venv/bin/activate_this.py
		3 executes /a/bin/activate_this.py
		5 executes /b/bin/activate_this.py
		6 executes /c/activate_this.py
		7 executes /d/activate_this.py
		8 unread: the name downloaded is not set in this file
`},
	{name: "the order of sys.path after addsitedir", source: `
import site, sys
prev_sys_path = list(sys.path)
site.addsitedir('/srv/venv/lib/python2.7/site-packages')
new_sys_path = []
for item in list(sys.path):
    if item not in prev_sys_path:
        new_sys_path.append(item)
        sys.path.remove(item)
sys.path[:0] = new_sys_path
for one in ('/one', '/two'):
    if one not in sys.path:
        sys.path.insert(0, one)
sys.path += ['/three']
sys.path = ['/four'] + sys.path
sys.path.insert(1, "/five")
print "Python", sys.version
`, want: `
		2 prev_sys_path = [an object, an object]
		4 new_sys_path = ["/srv/venv/lib/python2.7/site-packages"]
		5 item = an object
		5 item = an object
		5 item = "/srv/venv/lib/python2.7/site-packages"
		10 one = "/one"
		10 one = "/two"
		14 sys.path /four
		15 sys.path /five
		12 sys.path /two
		12 sys.path /one
		3 sys.path /srv/venv/lib/python2.7/site-packages
		13 sys.path /three
`},
	{name: "pathlib", source: `
from pathlib import Path
BASE = Path(__file__).resolve().parent.parent
import sys
sys.path.append(str(BASE / "src"))
sys.path.append(str(Path(__file__).parents[1]))
name = f"{BASE.name}-{'x' * 2}!"
`, want: `
		2 BASE = /srv
		6 name = "srv-xx!"
		4 sys.path /srv/src
		5 sys.path /srv
`},
	{name: "a gunicorn.conf.py that reads the environment", environ: map[string]string{"PORT": "9000", "LOG_LEVEL": "debug"}, source: `
import multiprocessing, os
host = os.getenv("HOST", "0.0.0.0")
port = os.environ["PORT"]
bind_env = os.getenv("BIND", None)
if bind_env:
    bind = bind_env
else:
    bind = f"{host}:{port}"
workers_per_core = float(os.getenv("WORKERS_PER_CORE", "1"))
web_concurrency_str = os.getenv("WEB_CONCURRENCY", None)
if web_concurrency_str:
    workers = int(web_concurrency_str)
else:
    workers = max(int(workers_per_core * multiprocessing.cpu_count()), 2)
threads = int(os.environ.get('THREADS', 4))
loglevel = os.environ.get('LOG_LEVEL', 'info')
secret = os.environ['SECRET_TOKEN']
`, want: `
		2 host = "0.0.0.0" by $HOST
		3 port = "9000" by $PORT
		4 bind_env = None by $BIND
		8 bind = "0.0.0.0:9000" by $BIND $HOST $PORT
		9 workers_per_core = 1 by $WORKERS_PER_CORE
		10 web_concurrency_str = None by $WEB_CONCURRENCY
		14 workers = max(int(*(1, cpus())), 2) by $WEB_CONCURRENCY $WORKERS_PER_CORE
		15 threads = 4 by $THREADS
		16 loglevel = "debug" by $LOG_LEVEL
		17 secret = ? it needs the environment variable SECRET_TOKEN, which nothing that was read sets by $SECRET_TOKEN
`},
	{name: "functions, hooks and classes", source: `
def max_workers(factor=2, *rest, **more):
    """How many."""
    from multiprocessing import cpu_count as n
    return n() * factor + 1
workers = max_workers()
@decorated
def post_fork(server, worker): server.log.info("x")
class Worker(object):
    a = 1
async def when_ready(server):
    await x
worker_class = Worker
timeout = 30 if workers else 0
double = lambda x: x * 2
keepalive = double(4)
`, want: `
		5 workers = +(*(cpus(), 2), 1)
		12 worker_class = an object
		13 timeout = ? it depends on the condition in line 13, which is only known when the file is executed
		14 double = an object
		15 keepalive = 8
		1 defines max_workers
		6 defines post_fork
		8 defines Worker
		10 defines when_ready
`},
	{name: "conditions that are not known", source: `
import socket, sys, os
if socket.gethostname() == 'web1':
    home = '/one'
    same = 1
    sys.path.append('/one')
else:
    home = '/two'
    same = 1
    os.environ['STAGE'] = 'two'
if os.path.exists('/srv/local'):
    sys.path.append('/srv/local')
path = home + '/x'
other = same
if sys.version_info[0] < 3:
    bad = 1
elif sys.version_info >= (3, 4):
    good = 1
`, want: `
		3 home = "/one" (perhaps)
		4 same = 1 (perhaps)
		7 home = "/two" (perhaps)
		8 same = 1 (perhaps)
		12 path = ? it depends on the condition in line 2, which is only known when the file is executed
		13 other = 1
		17 good = 1
		5 sys.path /one (perhaps)
		11 sys.path /srv/local (perhaps)
		9 environ STAGE = "two" (perhaps)
`},
	{name: "an import that may fail, and what is only for that", source: `
try:
    import settings
    debug = settings.DEBUG
except (ImportError, AttributeError), e:
    debug = False
    pass
else:
    ok = True
finally:
    done = 1
app.config['X'] = 2
logging.basicConfig(stream=sys.stderr)
import newrelic.agent
newrelic.agent.initialize('/etc/newrelic.ini')
`, want: `
		3 debug = an object
		8 ok = true
		10 done = 1
		5 unread: it is executed only when the lines above it fail
		11 unread: it changes something that is not known
		12 unread: the name logging is not set in this file
		14 unread: it calls newrelic.agent.initialize(), which is not executed
`},
	{name: "literals of both versions", source: `
a = 0777; b = 0o17; c = 10L; d = 1_000; e = 1e3; f = ur'\x' u"\u00e4"
g = """a
b""" 'c' \
    "d"
h = {'x': 1, "y": [1, 2], **{'z': None}}
i = (1, 'two', (3,), [])
j = -5 // 2, 2 ** 3, 7 % 4, 1 <> 2, 1 < 2 <= 2
k: int = 5
l = m = 'both'
n, (o, p) = 1, [2, 3]
q = "%s:%d/%(x)s" % {'x': 1}
r = '%s on %d' % ('x', 5)
s = '{}-{1}-{name}{{'.format('a', 'b', name='c')
t = '.'.join(x for x in ['a', 'b'] if x != 'z')
u = "a,b".split(",")[1][0:1]
v = r'\d' b'\n'
w = None or 'default'
x = y = not 0
z = {k: v for k, v in dict(a=1).items()}
`, want: `
		1 a = 511
		1 b = 15
		1 c = 10
		1 d = 1000
		1 e = 1000
		1 f = "\\xä"
		2 g = "a\nbcd"
		5 h = {"x": 1, "y": [1, 2], "z": None}
		6 i = [1, "two", [3], []]
		7 j = [-3, 8, 3, true, true]
		8 k = 5
		9 l = "both"
		9 m = "both"
		10 n = 1
		10 o = 2
		10 p = 3
		11 q = ? it formats a value in a way that is not followed
		12 r = "x on 5"
		13 s = "a-b-c{"
		14 t = "a.b"
		15 u = "b"
		16 v = "\\d\n"
		17 w = "default"
		18 x = true
		18 y = true
		19 z = {"a": 1}
`},
	{name: "what is read and not followed", source: `
def lines():
    yield "a"
bind = lines()
match bind:
    case "x":
        workers = 1
match = "a name"
accent = f"\N{DASH} {match:{workers}.{2}}"
def broken():
    return = 1
`, want: `
		3 bind = ? the function is a generator
		7 match = "a name"
		8 accent = ? it formats a value in a way that is not followed
		1 defines lines
		9 defines broken
		4 unread: a match statement is not followed
		10 mistake: it has "=" where it cannot be
`},
	{name: "mistakes, and what stands after them", source: `
workers = 3
bind = "127.0.0.1:8000
threads = 2
  timeout = 5
if x
    y = 1
    z = [1,
keepalive = 2
`, want: `
		1 workers = 3
		3 threads = 2
		2 mistake: its string has no end
		4 mistake: it is indented, and no statement above begins a block
		5 mistake: it has the end of the line where it cannot be
`},
	{name: "what would take for ever", source: `
a = 'x' * 1000 * 1000
b = [0] * 10
c = list(range(10 ** 9))
def f(): return f()
d = f()
while True:
    e = 1
g = 2 ** 10 ** 10
l = []
l.append(l)
h = l == l
`, want: `
		1 a = ? it computes with something that is not known
		2 b = ? it computes with something that is not known
		3 c = ? it calls range with what is not known
		5 d = ? functions call each other too deep
		7 e = 1 (perhaps)
		8 g = ? it computes with something that is not known
		9 l = ? it is too large, or contains itself
		11 h = ? it compares something that is not known
		4 defines f
		6 unread: it loops for as long as something is so, which is not known
`},
}
