package main

import "testing"

func TestShareFiles(t *testing.T) {
	for _, test := range []struct {
		limit, clients int
		want           fileShares
	}{
		{1 << 20, 10000, fileShares{10000, 1000}},
		{20000, 10000, fileShares{10000, 1000}},
		{11096, 10000, fileShares{10000, 1000}},
		{11095, 10000, fileShares{9999, 1000}},
		{4096, 10000, fileShares{3000, 1000}},
		{1024, 10000, fileShares{672, 256}},
		{1024, 100, fileShares{100, 256}},
		{256, 10000, fileShares{32, 128}},
		{225, 10000, fileShares{1, 128}},
		{224, 10000, fileShares{0, 128}},
		{0, 10000, fileShares{0, 128}},
	} {
		if got := shareFiles(test.limit, test.clients); got != test.want {
			t.Errorf("%d files for %d clients: %v, want %v", test.limit, test.clients, got, test.want)
		}
	}
}
