package config

import (
	"crypto/tls"
	"slices"
	"testing"
)

// Every suite that crypto/tls has can be named, and none twice.
func TestCipherSuitesAreThoseOfTheLibrary(t *testing.T) {
	var have, want []uint16
	for _, c := range cipherSuites {
		have = append(have, c.id)
	}
	safe := map[uint16]bool{}
	for _, c := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(c.SupportedVersions, tls.VersionTLS12) {
			want = append(want, c.ID)
			safe[c.ID] = !c.Insecure
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%#x, the library has %#x", have, want)
	}
	for _, id := range selectCiphers("DEFAULT") {
		if !safe[id] {
			t.Errorf("DEFAULT has %s", tls.CipherSuiteName(id))
		}
	}
}

func TestCipherStrings(t *testing.T) {
	const (
		gcmRSA128, gcmRSA256     = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
		gcmECDSA128, gcmECDSA256 = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
		chachaRSA, chachaECDSA   = tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	)
	for words, want := range map[string][]uint16{
		"ECDHE-RSA-AES128-GCM-SHA256":                           {gcmRSA128},
		"ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256": {gcmRSA128},
		"ECDHE+AESGCM":        {gcmRSA128, gcmRSA256, gcmECDSA128, gcmECDSA256},
		"ECDHE+AESGCM:!ECDSA": {gcmRSA128, gcmRSA256},
		"!ECDSA:ECDHE+AESGCM+AES256,ECDHE+CHACHA20 @STRENGTH": {gcmRSA256, chachaRSA},
		"AESGCM:-AESGCM:ECDHE-ECDSA-AES256-GCM-SHA384":        {gcmECDSA256},
		"CHACHA20:!NOSUCH:+RSA":                               {chachaRSA, chachaECDSA},
		"RC4-SHA":                                             {tls.TLS_RSA_WITH_RC4_128_SHA},
		"HIGH:!aNULL:!kRSA:!SHA1:!CHACHA20:!AES128":           {gcmRSA256, gcmECDSA256},
		"DEFAULT:!MEDIUM:!TLSv1:!AES":                         {chachaRSA, chachaECDSA},
		"ALL:!HIGH":                                           nil,
		"NOSUCH":                                              nil,
		"!":                                                   nil,
		"+":                                                   nil,
		":":                                                   nil,
	} {
		v := parse(t, "--tls-ciphers", words).Load()
		got, err := v.CipherSuites()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%s: %#x and %v, want %#x", words, got, err, want)
		}
	}
	if got, err := parse(t).Load().CipherSuites(); got != nil || err != nil {
		t.Errorf("without tls-ciphers: %#x and %v", got, err)
	}
}
