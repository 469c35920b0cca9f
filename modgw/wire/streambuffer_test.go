package wire

import (
	"testing"
)

// TestSlotsGoFromRequestToRequest follows two requests: a slot with unread data is never reused.
func TestSlotsGoFromRequestToRequest(t *testing.T) {
	file, err := NewSharedMemory(2 * MuxBufferSize)
	if err != nil {
		t.Skip(err)
	}
	buffer, err := OpenMuxBuffer(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	all := len(buffer.slots.free)
	if all != MuxBufferSize/SlotSize {
		t.Errorf("there are %d slots", all)
	}
	used := func(want int) {
		t.Helper()
		if got := all - len(buffer.slots.free); got != want {
			t.Errorf("%d slots are in use, and not %d", got, want)
		}
	}
	first, second := buffer.ForStream(1000), buffer.ForStream(0)
	room := first.Room()
	same := &first.Room()[0] == &room[0]
	if len(room) != SlotSize || !first.Holds(room[:10]) || second.Holds(room) || !same {
		t.Errorf("Room has %d bytes", len(room))
	}
	at := first.Put(SlotSize)
	other := second.Put(len(second.Room()[:5]))
	if at == other {
		t.Errorf("both are at %d", at)
	}
	used(2)
	first.Skip(50)
	first.Reclaim(1000 + SlotSize - 1) // the worker keeps a byte back
	used(2)
	first.Reclaim(1)
	used(1)
	first.Room()
	used(2)
	second.Close()
	used(1)
	second.Room()
	second.Put(7) // it was being filled when the worker closed the stream
	used(1)
	second.Done()
	first.Close()
	used(1) // its sender may still write there
	first.Done()
	used(0)
}

func TestRequestsWithoutASlotGoOn(t *testing.T) {
	file, err := NewSharedMemory(2 * MuxBufferSize)
	if err != nil {
		t.Skip(err)
	}
	buffer, err := OpenMuxBuffer(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	greedy := buffer.ForStream(0)
	for room := greedy.Room(); len(room) > 0; room = greedy.Room() {
		greedy.Put(1)
	}
	late := buffer.ForStream(0)
	if late.Room() != nil || late.Holds([]byte("x")) {
		t.Error("there is a slot too many")
	}
	late.Skip(10)
	late.Reclaim(10)
	late.Close()
	late.Done()
	greedy.Close()
	greedy.Done()
}
