package apache_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/faulttest"
)

func TestFolderHoldsWhatWasWrittenLastAndWhatIsOfOthers(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "mine.conf"), "# the administrator's")
	folder := apache.Folder{Dir: dir}
	for _, step := range []struct {
		files []apache.File
		want  apache.Changes
	}{
		{[]apache.File{{Name: "a.conf", Text: []byte("1")}, {Name: "b.conf", Text: []byte("1")}}, apache.Changes{Written: []string{"a.conf", "b.conf"}}},
		{[]apache.File{{Name: "a.conf", Text: []byte("1")}, {Name: "b.conf", Text: []byte("2")}}, apache.Changes{Written: []string{"b.conf"}, Unchanged: []string{"a.conf"}}},
		{[]apache.File{{Name: "c.conf", Text: []byte("1")}}, apache.Changes{Written: []string{"c.conf"}, Removed: []string{"a.conf", "b.conf"}}},
		{nil, apache.Changes{Removed: []string{"c.conf"}}},
	} {
		got, err := folder.Update(t.Context(), step.files, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, names := range []*[]string{&step.want.Written, &step.want.Removed, &step.want.Unchanged} {
			*names = append([]string{}, *names...)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("(- want, + got):\n%s", diff)
		}
		for _, file := range step.files {
			if text := readFile(t, filepath.Join(dir, file.Name)); text != string(file.Text) {
				t.Errorf("%s: %q", file.Name, text)
			}
		}
	}
	if left := names(t, dir); left != "mine.conf modgw-manifest.json" {
		t.Errorf("left: %s", left)
	}
}

func TestFolderThatCannotBeUpdatedStaysAsItIs(t *testing.T) {
	files := []apache.File{{Name: "a.conf", Text: []byte("new")}}
	t.Run("a file of others", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.conf"), "mine")
		_, err := apache.Folder{Dir: dir}.Update(t.Context(), files, nil)
		faulttest.Want(t, err.Error(), "MGW-APA-011")
		if text := readFile(t, filepath.Join(dir, "a.conf")); text != "mine" {
			t.Errorf("the file is %q", text)
		}
	})
	t.Run("an edited file", func(t *testing.T) {
		dir := t.TempDir()
		folder := apache.Folder{Dir: dir}
		mustUpdate(t, folder, files)
		writeFile(t, filepath.Join(dir, "a.conf"), "edited")
		for _, wanted := range [][]apache.File{files, nil} {
			_, err := folder.Update(t.Context(), wanted, nil)
			faulttest.Want(t, err.Error(), "MGW-APA-012")
		}
		if err := os.Remove(filepath.Join(dir, "a.conf")); err != nil { // the fix
			t.Fatal(err)
		}
		mustUpdate(t, folder, files)
	})
	t.Run("a damaged manifest", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "modgw-manifest.json"), `{"files": {"../passwd": "1"}}`)
		_, err := apache.Folder{Dir: dir}.Update(t.Context(), nil, nil)
		faulttest.Want(t, err.Error(), "MGW-APA-010")
	})
	t.Run("Apache does not accept it", func(t *testing.T) {
		dir := t.TempDir()
		mustUpdate(t, apache.Folder{Dir: dir}, []apache.File{{Name: "a.conf", Text: []byte("old")}})
		folder := apache.Folder{Dir: dir, Control: control(t, "echo 'Syntax error'; exit 1")}
		_, err := folder.Update(t.Context(), append(files, apache.File{Name: "b.conf", Text: []byte("new")}), nil)
		faulttest.Want(t, err.Error(), "MGW-APA-005")
		if left := names(t, dir); left != "a.conf modgw-manifest.json" || readFile(t, filepath.Join(dir, "a.conf")) != "old" {
			t.Errorf("left: %s", left)
		}
		mustUpdate(t, apache.Folder{Dir: dir}, files) // a reverted change does not count as an edit
	})
	t.Run("Apache does not reload", func(t *testing.T) {
		folder := apache.Folder{Dir: t.TempDir(), Control: control(t, `[ "$1" = configtest ]`)}
		_, err := folder.Update(t.Context(), files, nil)
		faulttest.Want(t, err.Error(), "MGW-APA-013")
	})
}

func mustUpdate(t *testing.T, folder apache.Folder, files []apache.File) {
	t.Helper()
	if _, err := folder.Update(t.Context(), files, nil); err != nil {
		t.Fatal(err)
	}
}

// control makes an apachectl of a line of shell.
func control(t *testing.T, script string) string {
	path := filepath.Join(t.TempDir(), "apachectl")
	writeFile(t, path, "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return strings.Join(all, " ")
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
