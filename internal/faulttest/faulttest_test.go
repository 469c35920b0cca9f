package faulttest

import "testing"

func TestOnlyAQuotedMessageWithItsCodePasses(t *testing.T) {
	for text, passes := range map[string]bool{
		`cannot import "blog:app" within 1s [MGW-APP-005]`:                                      true,
		`level=ERROR code=MGW-APP-005 error="cannot import \"blog:app\" within 1s"`:             true,
		"✗ generation not started code=MGW-APP-005\n    cannot import \"blog:app\" within 1s\n": true,
		`cannot load "blog:app" within 1s [MGW-APP-005]`:                                        false,
		`cannot import "blog:app" within 1s [MGW-APP-001]`:                                      false,
		`within "blog:app" cannot import 1s [MGW-APP-005]`:                                      false,
		"cannot import \"x\" within 1s [MGW-APP-001]\nno reason [MGW-APP-005]":                  false,
		`cannot import "blog:app" within 1s`:                                                    false,
	} {
		if Has(text, "MGW-APP-005") != passes {
			t.Errorf("%s: %v", text, Check(text, "MGW-APP-005"))
		}
	}
	if Check("[MGW-XXX-999]", "MGW-XXX-999") == nil {
		t.Error("a code without an entry passes")
	}
}
