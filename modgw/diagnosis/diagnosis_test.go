package diagnosis

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

var now = time.Date(2026, 3, 4, 14, 2, 30, 0, time.Local)

// ago returns the time that is d before now.
func ago(d time.Duration) time.Time { return now.Add(-d) }

// wellApp returns an app without problems.
func wellApp() App {
	return App{Now: now, QueueMax: 100, AppStatus: modgw.AppStatus{
		App: "shop", State: modgw.AppServing, Kind: modgw.KindWSGI,
		Generation: &modgw.GenerationStatus{Number: 4, Ready: ago(time.Hour)},
		Runner: modgw.RunnerStatus{Capacity: 4, Busy: 1, Workers: []modgw.WorkerStatus{
			{Number: 1, PID: 11, State: "ready"}, {Number: 2, PID: 12, State: "ready"},
		}},
	}}
}

// samples returns n samples of an app without problems, ten seconds apart, modified by change.
func samples(n int, change func(i int, s *Sample)) []Sample {
	all := make([]Sample, n)
	for i := range all {
		all[i] = Sample{
			Time: ago(time.Duration(n-1-i) * 10 * time.Second), Generation: 4, Workers: 2, Capacity: 4, Busy: 1,
			Requests: uint64(100 * i), Memory: 100 << 20,
		}
		change(i, &all[i])
	}
	return all
}

// followUp passes the state of each sample on to the next one.
func followUp(all []Sample) {
	for i := range all[1:] {
		all[i+1] = all[i+1].After(all[i])
	}
}

func TestWhyAnAppIsNotWellIsSaidInOneSentence(t *testing.T) {
	failure := func(code, line, hint string) *modgw.FailureStatus {
		return &modgw.FailureStatus{Code: code, Error: line + " [" + code + "]", Text: line + " [" + code + "]\noutput\nhint: " + hint}
	}
	for name, test := range map[string]struct {
		change   func(a *App)
		cause    string
		severity Severity
		says     []string
	}{
		"stopped": {func(a *App) { a.State = modgw.AppStopped }, "stopped", Notice, []string{"was stopped"}},
		"broken descriptor": {func(a *App) {
			a.Mistake = true
			a.Failure = failure("MGW-DSC-001", `cannot use the descriptor of app "shop": /srv/shop.hcl:3: no setting "wsgy"`, "")
		}, "broken_descriptor", Warning, []string{"the descriptor cannot be used: /srv/shop.hcl:3: no setting", "generation 4 still serves"}},
		"missing package": {func(a *App) {
			a.State, a.Generation = modgw.AppFailed, nil
			a.Failure = failure("MGW-APP-001", `cannot import "shop": ModuleNotFoundError: No module named 'flask' (/srv/shop.py:1)`, "add the package")
		}, "missing_package", Critical, []string{`"flask" is missing, which /srv/shop.py:1 imports`, "not served", "add the package"}},
		"startup timeout": {func(a *App) { a.Failure = failure("MGW-APP-005", `cannot import "shop" within 1m0s`, "raise it") },
			"startup_timeout", Warning, []string{"within 1m0s", "generation 4 still serves", "raise it"}},
		"failed deploy": {func(a *App) {
			a.Failure = failure("MGW-APP-001", `cannot import "shop": NameError: x (/srv/settings.py:12)`, "")
		},
			"deploy_failed", Warning, []string{"settings.py:12", "generation 4 still serves"}},
		"environment": {func(a *App) { a.Failure = failure("MGW-ENV-012", "cannot install the packages", "") },
			"environment_failed", Warning, []string{"cannot install"}},
		"disk full for packages": {func(a *App) { a.Failure = failure("MGW-ENV-013", "cannot install the packages: the disk is full", "") },
			"disk_full", Warning, []string{"disk full"}},
		"out of memory": {func(a *App) {
			a.Runner.Crash = &modgw.CrashStatus{Worker: 2, Time: ago(time.Minute), Reason: "killed by signal 9 (SIGKILL), out of memory"}
		}, "out_of_memory", Critical, []string{"worker 2", "14:01:30", "limits { memory }"}},
		"crash loop": {func(a *App) {
			a.Runner.Restarts, a.WorkerEnd = 7, "cannot import \"shop\": KeyError (/srv/settings.py:12)\nmore"
			a.WorkerEnds = []time.Time{ago(time.Second)}
			a.Runner.Workers[0].State, a.Runner.Workers[1].State = "backoff", "starting"
		}, "crash_loop", Critical, []string{"ended or did not start 7 times", "2 of 2 are down", "settings.py:12"}},
		"crash loop of workers that are ready for a moment": {func(a *App) {
			a.Runner.Restarts, a.WorkerEnd = 9, "exited with code 3"
			a.Samples = samples(4, func(i int, s *Sample) { s.Restarts = 3 * i })
		}, "crash_loop", Warning, []string{"ended or did not start 9 times; the last one: exited with code 3"}},
		"workers that do not start again": {func(a *App) {
			a.Runner.Restarts, a.WorkerEnd = 1, "cannot import \"shop\": OSError (/srv/settings.py:5)"
			a.WorkerEnds = []time.Time{ago(5 * time.Minute), ago(4 * time.Minute), ago(3 * time.Minute), ago(time.Second)}
			a.Runner.Workers[1].State = "backoff"
		}, "crash_loop", Warning, []string{"4 times, 1 of 2 are down", "settings.py:5"}},
		"disk full": {func(a *App) { a.Samples = samples(3, func(i int, s *Sample) { s.DiskFull = uint64(i) }) },
			"disk_full", Critical, []string{"2 requests", "14:02:10"}},
		"queue full": {func(a *App) {
			a.Samples = samples(4, func(i int, s *Sample) { s.Refused = uint64(31 * i) })
			followUp(a.Samples)
		}, "queue_full", Critical, []string{"seen since 14:02:10", "93 requests refused in 30 s, 31 %"}},
		"queue full now": {func(a *App) { a.Runner.Busy, a.Runner.Queued = 4, 100 },
			"queue_full", Critical, []string{"100 requests wait", "4 of 4 threads are busy"}},
		"queue was full": {func(a *App) {
			a.Samples = samples(1, func(_ int, s *Sample) { s.Refused = 5 })
			a.Failing = &modgw.FailingStatus{Last: modgw.FailedRequest{Status: http.StatusServiceUnavailable, Time: ago(time.Second)}}
		}, "queue_full", Critical, []string{"was full at 14:02:29", "5 requests refused"}},
		"processor bound": {func(a *App) {
			a.Samples = samples(3, func(i int, s *Sample) {
				used := time.Duration(i) * 9800 * time.Millisecond
				s.Busy, s.CPU = 4, map[int]time.Duration{11: used, 12: used}
			})
		}, "processor_bound", Warning, []string{"98 % of a processor each for 10 s", "raise workers"}},
		"waiting for the database": {func(a *App) {
			a.Runner.Busy, a.Runner.Queued = 4, 5
			for i := range 4 {
				a.Places = append(a.Places, modgw.Location{
					Worker: 1, For: time.Duration(i) * 1033 * time.Millisecond, Module: "psycopg.connection", File: "/srv/shop/db.py", Line: 10 + i,
				})
			}
		}, "waiting_for_database", Warning, []string{"4 of 4 threads are in psycopg, called in db.py line 10, for 3.1 s; 5 requests wait"}},
		"waiting for names": {func(a *App) {
			a.Runner.Busy = 4
			a.Places = []modgw.Location{{Module: "socket", Function: "getaddrinfo", File: "/srv/a.py", Line: 1}}
		}, "waiting_for_names", Warning, []string{"1 of 1 threads is in socket.getaddrinfo, called in a.py line 1", "resolv.conf"}},
		"waiting for the database, and refused": {func(a *App) {
			a.Runner.Busy = 4
			a.Places = []modgw.Location{{Module: "django.db.backends.utils", File: "/srv/a.py", Line: 1, For: time.Minute}}
			a.Samples = samples(4, func(i int, s *Sample) { s.Refused = uint64(31 * i) })
			followUp(a.Samples)
		}, "waiting_for_database", Critical, []string{"in django.db", "60.0 s", "the queue is full, as seen since 14:02:10: 93 requests refused in 30 s, 31 %"}},
		"waiting for long, though others go on": {func(a *App) {
			a.Places = []modgw.Location{{Module: "requests.adapters", File: "/srv/a.py", Line: 1, For: 12 * time.Second}}
		}, "waiting_for_upstream", Warning, []string{"another server: 1 of 1 threads is in requests, called in a.py line 1, for 12.0 s"}},
		"blocked event loop": {func(a *App) {
			a.Kind, a.Runner.Busy, a.Runner.Capacity = modgw.KindASGI, 17, 100
			a.Places = []modgw.Location{{Worker: 2, Blocks: true, Module: "requests.api", Function: "get", File: "/srv/views.py", Line: 7, For: 3200 * time.Millisecond}}
		}, "blocked_loop", Critical, []string{"worker 2 is blocked for 3.2 s by views.py line 7, in requests.api.get: 17 requests wait for it"}},
		"bound by the interpreter lock": {func(a *App) {
			a.Samples = samples(2, func(i int, s *Sample) {
				s.Busy, s.Queued = 4, 3
				n := uint64(100 * i)
				lock := modgw.Pauses{Count: n, Seconds: 1.2 * float64(i), Buckets: [...]uint64{n * 3 / 100, 0, n * 97 / 100, 0, 0, 0, 0, 0}}
				s.Lock = map[int]modgw.Pauses{11: lock, 12: lock}
			})
			a.Runner.Queued = 3
		}, "gil_bound", Warning, []string{"97 % of the GIL is used, and a thread waits 12 ms for it, with 4 requests in 2 workers; 3 requests wait", "raise workers"}},
		"crawler": {func(a *App) {
			a.Runner.Busy, a.Runner.Queued = 4, 12
			a.Client = meter.Client{Address: "192.0.2.7", Agent: "Bot/1.0", Share: 0.91}
		}, "greedy_client", Warning, []string{`one client, 192.0.2.7 with the user agent "Bot/1.0", sends 91 % of the requests; 12 requests wait`}},
		"slow clients": {func(a *App) {
			a.Samples = samples(2, func(i int, s *Sample) {
				s.Requests, s.Slow, s.SlowFor = uint64(50*i), uint64(34*i), time.Duration(i)*34*4200*time.Millisecond
			})
		}, "slow_clients", Notice, []string{"34 of the last 50 responses", "4.2 s on average"}},
		"uploads that are too large": {func(a *App) {
			a.BodyMax = 64 << 20
			a.Samples = samples(2, func(i int, s *Sample) { s.TooLarge = uint64(7 * i) })
		}, "body_too_large", Warning, []string{"7 requests refused in 10 s, 7 %", "64 MiB"}},
		"no memory for Python": {func(a *App) {
			a.WorkerEnd, a.WorkerEnds = "exited with code 70: cannot go on serving requests: MemoryError()", []time.Time{ago(time.Minute)}
		}, "out_of_memory", Critical, []string{"ended 1 times, the last one at 14:01:30 for want of memory"}},
		"too many files": {func(a *App) {
			a.Failing = &modgw.FailingStatus{Count: 12, Minutes: 10, Last: modgw.FailedRequest{Status: 500, Time: now}}
			a.FailingError = "cannot answer GET /: OSError: [Errno 24] Too many open files: 'x' (shop.py line 5)"
		}, "too_many_files", Warning, []string{"12 requests failed in 10 min", "Too many open files: 'x' (shop.py line 5)"}},
		"timeouts at a place": {func(a *App) {
			a.Samples = samples(2, func(i int, s *Sample) { s.Late = uint64(i * 20) })
			a.Interrupted = "views.py line 7"
		}, "timeout", Critical, []string{"20 %; the last one was in views.py line 7"}},
		"memory grows fast": {func(a *App) {
			a.Samples = samples(7, func(i int, s *Sample) { s.Memory += int64(i) << 25 })
		}, "memory_grows", Warning, []string{"192.0 MiB a minute in generation 4: from 100 to 292 MiB in 60 s"}},
		"all threads busy at one place": {func(a *App) {
			a.Runner.Busy, a.Runner.Queued = 4, 1
			a.Places = []modgw.Location{{File: "/srv/a.py", Line: 3}, {File: "/srv/a.py", Line: 3}, {File: "/srv/a.py", Line: 9}}
		}, "all_busy", Warning, []string{"1 request waits; 2 of 3 threads are in a.py line 3"}},
		"all threads busy": {func(a *App) {
			a.Runner.Busy, a.Runner.Queued = 4, 3
			a.Samples = samples(3, func(_ int, s *Sample) { s.Busy, s.Queued = 4, 1 })
		}, "all_busy", Warning, []string{"4 of 4 threads are busy for at least 20 s, 3 requests wait"}},
		"worker crashed": {func(a *App) {
			a.Runner.Crash = &modgw.CrashStatus{
				Worker: 1, Time: ago(time.Minute), Reason: "killed by signal 11 (SIGSEGV)",
				Requests: []modgw.SuspectRequest{{Request: "abc", Method: "GET", Path: "/x"}},
			}
		}, "worker_crashed", Warning, []string{"SIGSEGV", "with GET /x", "--id abc"}},
		"timeouts": {func(a *App) { a.Samples = samples(2, func(i int, s *Sample) { s.Late = uint64(i * 20) }) },
			"timeout", Critical, []string{"20 requests", "in 10 s, 20 %"}},
		"failing": {func(a *App) {
			a.Failing = &modgw.FailingStatus{Count: 12, Minutes: 10, Last: modgw.FailedRequest{
				SuspectRequest: modgw.SuspectRequest{Request: "abc", Method: "GET", Path: "/pay"}, Status: 500, Time: ago(time.Second),
			}}
		}, "failing_requests", Warning, []string{"12 requests failed in 10 min", "500 for GET /pay", "--id abc"}},
		"failing by share": {func(a *App) {
			a.Failing = &modgw.FailingStatus{Count: 12, Minutes: 10, Last: modgw.FailedRequest{Status: 500, Time: now}}
			a.Samples = samples(2, func(i int, s *Sample) { s.Requests, s.Failed = uint64(40*i), uint64(12*i) })
		}, "failing_requests", Critical, []string{"12 of the last 40 answers were 5xx"}},
		"memory grows": {func(a *App) { a.Samples = samples(31, func(i int, s *Sample) { s.Memory += int64(i) << 20 }) },
			"memory_grows", Warning, []string{"6.0 MiB a minute in generation 4", "from 100 to 130 MiB in 5 min"}},
		"watch degraded": {func(a *App) { a.WatchDegraded = "too many folders" }, "watch_degraded", Warning, []string{"too many folders"}},
		"starting": {func(a *App) { a.State, a.Generation, a.Waiting = modgw.AppStarting, nil, 1 },
			"starting", Notice, []string{"1 request waits"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := wellApp()
			test.change(&app)
			d := Of(app)
			if d == nil {
				t.Fatal("the app is well")
			}
			if d.Cause != test.cause || d.Severity != test.severity || strings.Contains(d.Sentence+d.Hint, "\n") {
				t.Errorf("%+v", d)
			}
			for _, part := range test.says {
				if !strings.Contains(d.Sentence+"; "+d.Hint, part) {
					t.Errorf("%q is not in %q, hint %q", part, d.Sentence, d.Hint)
				}
			}
		})
	}
}

func TestNothingIsSaidOfAnAppThatIsWell(t *testing.T) {
	for name, change := range map[string]func(a *App){
		"nothing known":              func(a *App) { *a = App{} },
		"serving":                    func(*App) {},
		"busy, and no request waits": func(a *App) { a.Runner.Busy = 4 },
		"a worker ended long ago":    func(a *App) { a.Runner.Restarts = 9 },
		"refused half a minute ago": func(a *App) {
			a.Samples = samples(5, func(i int, s *Sample) {
				if i > 0 {
					s.Refused = 9
				}
			})
			followUp(a.Samples)
		},
		"threads that wait after they computed": func(a *App) {
			a.Samples = samples(3, func(i int, s *Sample) {
				s.Busy, s.CPU = 4, map[int]time.Duration{11: time.Duration(min(i, 1)) * 10 * time.Second}
			})
		},
		"a worker is recycled": func(a *App) {
			a.Runner.Restarts, a.WorkerEnds, a.Runner.Workers[0].State = 9, []time.Time{ago(59 * time.Minute)}, "starting"
		},
		"a crash long ago":           func(a *App) { a.Runner.Crash = &modgw.CrashStatus{Time: ago(time.Hour)} },
		"refused before the samples": func(a *App) { a.Samples = samples(5, func(_ int, s *Sample) { s.Refused = 9 }) },
		"one client alone, such as a proxy": func(a *App) {
			a.Runner.Queued, a.Client = 1, meter.Client{Address: "192.0.2.7", Share: 1, Alone: true}
		},
		"memory that grew once": func(a *App) {
			a.Samples = samples(31, func(i int, s *Sample) { s.Memory += int64(min(i, 5)/5) << 29 })
		},
		"one request waits while others go on": func(a *App) {
			a.Places = []modgw.Location{{Module: "psycopg.connection", For: 2 * time.Second}}
		},
		"a loop that was late for a moment": func(a *App) {
			a.Places = []modgw.Location{{Blocks: true, For: 400 * time.Millisecond}}
		},
		"the lock is used, and no thread waits long for it": func(a *App) {
			a.Samples = samples(2, func(i int, s *Sample) {
				s.Busy = 4
				s.Lock = map[int]modgw.Pauses{11: {Count: uint64(100 * i), Seconds: 0.03 * float64(i), Buckets: [...]uint64{0, uint64(100 * i), 0, 0, 0, 0, 0, 0}}}
			})
		},
		"memory after the start": func(a *App) {
			a.Generation.Ready = ago(40 * time.Second)
			a.Samples = samples(31, func(i int, s *Sample) { s.Memory += int64(i) << 20 })
		},
		"memory of an earlier generation": func(a *App) {
			a.Samples = samples(31, func(i int, s *Sample) {
				if i < 29 {
					s.Generation, s.Memory = 3, 10<<20
				}
			})
		},
		"memory up and down": func(a *App) {
			a.Samples = samples(31, func(i int, s *Sample) { s.Memory += int64(i%2) * (50 << 20) })
		},
		"idle": func(a *App) { a.State, a.Generation = modgw.AppIdle, nil },
	} {
		app := wellApp()
		change(&app)
		if d := Of(app); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestASampleCountsWhatTheMeterHas(t *testing.T) {
	var counted meter.App
	for status, cause := range map[int]string{200: "", 500: "", 503: codeQueueFull, 504: codeTimeout, 507: codeDiskFull} {
		counted.Count(&meter.Request{Status: status, Cause: cause})
	}
	app := wellApp()
	app.Runner.Workers[0].Memory, app.Runner.Queued, app.Waiting = 7, 2, 1
	s := NewSample(now, &app.AppStatus, &counted)
	if s.Requests != 5 || s.Failed != 4 || s.Refused != 1 || s.Late != 1 || s.DiskFull != 1 || s.Memory != 7 || s.Queued != 3 {
		t.Errorf("%+v", s)
	}
	if s := NewSample(now, &modgw.AppStatus{}, nil); s.Generation != 0 || s.Requests != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCertificatesThatExpireAreNamedInTime(t *testing.T) {
	year := 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		expires  time.Time
		lifetime time.Duration
		file     string
		cause    string
		says     []string
	}{
		"long valid":            {now.Add(30 * 24 * time.Hour), year, "a.pem", "", nil},
		"expired":               {ago(3 * 24 * time.Hour), year, "a.pem", "certificate_expired", []string{"shop.example expired 3 days ago", "a.pem", "replace the file"}},
		"expires soon":          {now.Add(6 * 24 * time.Hour), year, "a.pem", "certificate_expires", []string{"in 6 days", "2026-03-10"}},
		"not renewed":           {now.Add(5 * time.Hour), year, "", "certificate_expires", []string{"in 5 hours", "got by ACME", "certificate not issued"}},
		"short life, half over": {now.Add(3 * 24 * time.Hour), 6 * 24 * time.Hour, "a.pem", "", nil},
	} {
		h := Host{Now: now, Certificates: []Certificate{
			{Name: "other.example", Begins: ago(year), Expires: now.Add(year)},
			{Name: "shop.example", File: test.file, Begins: test.expires.Add(-test.lifetime), Expires: test.expires},
		}}
		d := OfHost(h)
		if d == nil {
			d = &Diagnosis{}
		}
		if d.Cause != test.cause {
			t.Errorf("%s: %+v", name, d)
		}
		for _, part := range test.says {
			if !strings.Contains(d.Sentence+"; "+d.Hint, part) {
				t.Errorf("%s: %q is not in %+v", name, part, d)
			}
		}
	}
}

func TestWhatIsWrongWithTheHostItselfIsNamed(t *testing.T) {
	mistake := &modgw.Fault{Code: "MGW-CFG-001", Summary: "shop.hcl:2: unknown setting \"wsgy\"", Hint: "did you mean wsgi?"}
	roomy := Disk{Path: "/state", Free: 50 << 30, Size: 100 << 30, FreeFiles: 1e6, MostFiles: 2e6}
	disk := func(change func(*Disk)) Host {
		d := roomy
		change(&d)
		return Host{State: d}
	}
	for name, test := range map[string]struct {
		host     Host
		cause    string
		severity Severity
		says     []string
	}{
		"nothing":            {Host{State: roomy, Files: Files{100, 1024}}, "", "", nil},
		"nothing is known":   {Host{}, "", "", nil},
		"disk full":          {disk(func(d *Disk) { d.Free = 4096 }), "disk_full", Critical, []string{"/state has 4 KiB of 100 GiB left", "env gc"}},
		"no inodes":          {disk(func(d *Disk) { d.FreeFiles = 0 }), "disk_full", Critical, []string{"room for 0 files, of 2000000, left"}},
		"disk nearly full":   {disk(func(d *Disk) { d.Free = 300 << 20 }), "disk_nearly_full", Warning, []string{"300 MiB of 100 GiB left"}},
		"few inodes":         {disk(func(d *Disk) { d.FreeFiles = 500 }), "disk_nearly_full", Warning, []string{"room for 500 files"}},
		"small disk":         {disk(func(d *Disk) { d.Free, d.Size = 3<<20, 24<<20 }), "", "", nil},
		"inodes not bounded": {disk(func(d *Disk) { d.FreeFiles, d.MostFiles = 0, 0 }), "", "", nil},
		"many files":         {Host{Files: Files{900, 1024}}, "files_exhausted", Warning, []string{"900 of 1024 file descriptors", "LimitNOFILE="}},
		"no more files":      {Host{Files: Files{1000, 1024}}, "files_exhausted", Critical, []string{"connections wait"}},
		"host file":          {Host{File: mistake}, "broken_host_file", Warning, []string{"shop.hcl:2", "settings before stay", "did you mean"}},
		"watch":              {Host{WatchDegraded: "/srv is missing"}, "watch_degraded", Warning, []string{"/srv is missing", "modgw-host reload"}},
		"broken descriptor":  {Host{Broken: []BrokenFile{{Mistake: mistake}}}, "broken_descriptor", Warning, []string{"shop.hcl:2", "go on as before"}},
		"apps not served": {Host{Broken: []BrokenFile{{Mistake: mistake}, {mistake, []modgw.AppName{"shop", "wiki"}}}}, "broken_descriptor", Critical,
			[]string{`apps "shop", "wiki" are not served`}},
		"the worst first": {Host{File: mistake, State: roomy, Files: Files{900, 1024}, Broken: []BrokenFile{{mistake, []modgw.AppName{"shop"}}}},
			"broken_descriptor", Critical, []string{`app "shop" is not served`}},
		"the one that explains most": {Host{File: mistake, WatchDegraded: "x", Files: Files{900, 1024}}, "files_exhausted", Warning, nil},
	} {
		d := OfHost(test.host)
		if d == nil {
			d = &Diagnosis{}
		}
		if d.Cause != test.cause || d.Severity != test.severity {
			t.Errorf("%s: %+v", name, d)
		}
		for _, part := range test.says {
			if !strings.Contains(d.Sentence+"; "+d.Hint, part) {
				t.Errorf("%s: %q is not in %+v", name, part, d)
			}
		}
	}
}

func TestWorkersThatAnswerNothingAreNamed(t *testing.T) {
	busy := func(seconds ...int) (all []Sample) {
		for _, s := range seconds {
			all = append(all, Sample{Time: ago(time.Duration(s) * time.Second), Generation: 1, Busy: 2, Capacity: 2, Requests: 50 - uint64(s), Answered: 7})
		}
		return all
	}
	database := modgw.Location{Worker: 1, Module: "psycopg", File: "/srv/shop.py", Line: 5, For: 12 * time.Second}
	own := modgw.Location{Worker: 1, File: "/srv/shop.py", Line: 7, For: 12 * time.Second}
	for name, test := range map[string]struct {
		change func(*App)
		cause  string
		says   []string
	}{
		"stopped": {func(a *App) {
			a.Stopped = []int{1}
			a.Runner.Workers = []modgw.WorkerStatus{{Number: 1, PID: 71}, {Number: 2, PID: 72}}
		}, "worker_silent", []string{
			"worker 1 is stopped, by a signal or a debugger; no request was answered for 12 s", "kill -CONT 71 lets"}},
		"several stopped": {func(a *App) { a.Stopped = []int{1, 2} }, "worker_silent", []string{"2 workers are stopped"}},
		"in the kernel":   {func(a *App) { a.InKernel = []int{1} }, "worker_silent", []string{"waits in the kernel", "dmesg"}},
		"native code": {func(a *App) { a.Silent = []int{1}; a.Runner.Busy = 1 }, "worker_silent", []string{
			"worker 1 does not say where requests are: native code keeps the interpreter; no request was answered for 12 s"}},
		"native code, not for long": {func(a *App) { a.Silent, a.Samples = []int{1}, busy(3, 0) }, "all_busy", nil},
		"a program": {func(a *App) { a.Kind = modgw.KindHTTP }, "worker_silent", []string{
			"2 requests are executed, of 2 at once; no request was answered for 12 s; 3 requests wait"}},
		"a line of its own":         {func(a *App) { a.Places = []modgw.Location{own, own} }, "worker_silent", []string{"2 of 2 threads are in shop.py line 7, for 12.0 s"}},
		"a database":                {func(a *App) { a.Places = []modgw.Location{database, database} }, "waiting_for_database", nil},
		"a request was answered":    {func(a *App) { a.Samples[2].Answered++ }, "all_busy", nil},
		"another generation":        {func(a *App) { a.Samples[0].Generation, a.Samples[1].Generation = 0, 0 }, "all_busy", nil},
		"room for further requests": {func(a *App) { a.Runner.Busy, a.Runner.Queued = 1, 0 }, "", nil},
	} {
		a := App{AppStatus: modgw.AppStatus{App: "shop", Kind: modgw.KindWSGI, State: modgw.AppServing, Generation: &modgw.GenerationStatus{Number: 1}}, Now: now}
		a.Runner.Busy, a.Runner.Capacity, a.Runner.Queued = 2, 2, 3
		a.Samples = busy(12, 5, 0)
		test.change(&a)
		followUp(a.Samples)
		d := Of(a)
		if d == nil {
			d = &Diagnosis{}
		}
		if d.Cause != test.cause || d.Cause == "worker_silent" && (d.Severity == Critical) != a.isPressed() {
			t.Errorf("%s: %+v", name, d)
		}
		for _, part := range test.says {
			if !strings.Contains(d.Sentence+"; "+d.Hint, part) {
				t.Errorf("%s: %q is not in %+v", name, part, d)
			}
		}
	}
}
