package number

import (
	"math"
	"math/big"
	"strconv"
	"testing"
)

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"-1", -1, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"-9223372036854775808", math.MinInt64, true},
		{"9223372036854775808", 0, false},
		{"-9223372036854775809", 0, false},
		{"18446744073709551617", 0, false},
		{"99999999999999999999", 0, false},
		{"", 0, false},
		{"-", 0, false},
		{"+5", 0, false},
		{"-0", 0, false},
		{"007", 0, false},
		{" 5", 0, false},
		{"5 ", 0, false},
		{"1_0", 0, false},
		{"0x5", 0, false},
		{"5\x00", 0, false},
	} {
		got, ok := ParseInt([]byte(c.text))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("ParseInt(%q) = %d, %t", c.text, got, ok)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"017", 17, true},
		{"5B", 5, true},
		{"5k", 5000, true},
		{"5Kb", 5120, true},
		{"3m", 3000000, true},
		{"3mB", 3 << 20, true},
		{"2G", 2000000000, true},
		{"1gb", 1 << 30, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"9223372036854775808", 0, false},
		{"9007199254740992kb", 0, false},
		{"99999999999999999999999", 0, false},
		{"17179869184gb", 0, false},
		{"", 0, false},
		{"gb", 0, false},
		{"1.5gb", 0, false},
		{"-1", 0, false},
		{"1 gb", 0, false},
		{"1bk", 0, false},
		{"1tb", 0, false},
	} {
		got, ok := ParseMemory(c.text)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("ParseMemory(%q) = %d, %t", c.text, got, ok)
		}
	}
}

func FuzzParseInt(f *testing.F) {
	for _, text := range []string{"0", "-0", "9223372036854775807", "-9223372036854775808", "9223372036854775808"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		n, ok := ParseInt(s)
		want, err := strconv.ParseInt(string(s), 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == string(s)
		if ok != canonical || ok && n != want {
			t.Errorf("ParseInt(%q) = %d, %t", s, n, ok)
		}
	})
}

// What is taken must be what math/big understands by the same text, and must survive being written.
func FuzzParseLongDouble(f *testing.F) {
	for _, text := range []string{
		"1e4932", "1e-4951", "1.2e4932", "0x1p-16445", "0x1p-16446", "0x.8", "inf", "-.5e+1", "1e99999999999999999999",
		"0e99999999999", "0.00000000000000000000000000000000000000000000000001e50", "18446744073709551617.5",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		x, ok := ParseLongDouble(s)
		if !ok || x.IsInf() {
			return
		}
		if len(s) < 2 || s[1]|0x20 != 'x' && s[len(s)-1]|0x20 != 'f' {
			checkNearest(t, string(s), x)
		}
		text := x.Append(nil)
		y, ok := ParseLongDouble(text)
		if !ok {
			t.Fatalf("%q was written as %q, which is refused", s, text)
		}
		if again := y.Append(nil); string(again) != string(text) {
			t.Errorf("%q was written as %q and then as %q", s, text, again)
		}
	})
}

// checkNearest compares x with a conversion that has a thousand bits to spare.
func checkNearest(t *testing.T, text string, x LongDouble) {
	exact, _, err := big.ParseFloat(text, 10, 20000, big.ToNearestEven)
	if err != nil {
		return // hexadecimal behind a sign
	}
	if want := newFloat().Set(exact); want.Cmp(x.float()) != 0 {
		t.Errorf("%q: %s, want %s", text, x.float().Text('p', 0), want.Text('p', 0))
	}
}

func FuzzParseFloat(f *testing.F) {
	for _, text := range []string{"1e308", "1e309", "4.9e-324", "1e-324", "0x1p-1074", "0x1A", "-inf", "1_0", "nan", "0x_1p0", "."} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		x, ok := ParseFloat(s)
		if !ok {
			return
		}
		text := AppendDouble(nil, x)
		if y, ok := ParseFloat(text); !ok || x != y {
			t.Errorf("%q was written as %q, which reads %v", s, text, y)
		}
	})
}

func BenchmarkParseInt(b *testing.B) {
	s := []byte("1234567890")
	for b.Loop() {
		ParseInt(s)
	}
}

func BenchmarkIncrByFloat(b *testing.B) {
	value, incr := []byte("1234.56789"), []byte("0.1")
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		x, _ := ParseLongDouble(value)
		y, _ := ParseLongDouble(incr)
		sum, _ := x.Add(y)
		sum.Append(buf[:0])
	}
}
