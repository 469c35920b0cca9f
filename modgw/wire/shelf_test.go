package wire

import "testing"

func TestShelfStaysMappedWhileSomebodyHoldsIt(t *testing.T) {
	area, err := NewArea(ShelfSize)
	if err != nil {
		t.Skip(err)
	}
	defer area.Close()
	shelf, err := OpenShelf(area)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := area.WriteAt([]byte("hello"), ShelfSize-5); err != nil {
		t.Fatal(err)
	}
	shelf.Hold()
	piece, err := shelf.Borrow(loan(ShelfSize-5, 5))
	shelf.Release()
	if string(piece) != "hello" || err != nil {
		t.Errorf("%q, %v", piece, err)
	}
	for name, payload := range map[string][]byte{
		"short": make([]byte, 7), "of nothing": loan(0, 0), "beyond": loan(ShelfSize-4, 5), "that wraps": loan(1<<32-1, 2),
	} {
		if piece, err := shelf.Borrow(payload); !isProtocolError(err) || piece != nil {
			t.Errorf("%s: %d bytes, %v", name, len(piece), err)
		}
	}
	shelf.Release()
}
