package loader

import "testing"

func TestSandboxThatDoesNotHoldIsWarnedOf(t *testing.T) {
	dir := testProject(t, map[string]string{"a.hcl": "app \"a\" {\n  http { command = [\"true\"] }\n  sandbox {}\n}\n"})
	f, diags := Load(dir+"/a.hcl", Options{Unconfined: []string{"files", "signals"}})
	if diags.HasErrors() || len(f.Descriptors) != 1 {
		t.Fatal(rendered(t, diags))
	}
	wantText(t, rendered(t, diags), "warning", "files, signals are as free as without it")
	if _, diags := Load(dir+"/a.hcl", Options{}); len(diags) > 0 {
		t.Error(rendered(t, diags))
	}
}

func TestAppThatCannotSleepIsWarnedOf(t *testing.T) {
	dir := testProject(t, map[string]string{
		"a.hcl": "app \"a\" {\n  http { command = [\"true\"] }\n  idle { sleep_after = \"1m\" }\n}\n",
		"b.hcl": "app \"b\" {\n  http { command = [\"true\"] }\n  idle { sleep_after = \"0s\" }\n}\n",
	})
	f, diags := Load(dir+"/a.hcl", Options{CannotFreeze: true})
	if diags.HasErrors() || len(f.Descriptors) != 1 {
		t.Fatal(rendered(t, diags))
	}
	wantText(t, rendered(t, diags), "warning", "a.hcl:3", "cannot freeze processes here, so the app stays awake")
	if _, diags := Load(dir+"/a.hcl", Options{}); len(diags) > 0 {
		t.Error(rendered(t, diags))
	}
	if _, diags := Load(dir+"/b.hcl", Options{CannotFreeze: true}); len(diags) > 0 {
		t.Error(rendered(t, diags))
	}
}
