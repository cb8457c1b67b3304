package config

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// cipherSuite is a cipher suite of TLS 1.2 and older that crypto/tls has.
type cipherSuite struct {
	name string // as OpenSSL calls it
	id   uint16
	// words are OpenSSL's keywords, besides ALL, that select it.
	words string
}

// cipherSuites are all of them. What OpenSSL has and Go has not (DHE, ARIA, CAMELLIA, CCM, PSK and
// so on) can not be chosen. Those with RC4, 3DES and CBC with SHA256 are broken or weak: only who names them gets them.
var cipherSuites = []cipherSuite{
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "DEFAULT HIGH ECDHE EECDH ECDSA AES AES256 AESGCM TLSv1.2"},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "DEFAULT HIGH ECDHE EECDH aRSA AES AES256 AESGCM TLSv1.2"},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "DEFAULT HIGH ECDHE EECDH ECDSA CHACHA20 TLSv1.2"},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "DEFAULT HIGH ECDHE EECDH aRSA CHACHA20 TLSv1.2"},
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "DEFAULT HIGH ECDHE EECDH ECDSA AES AES128 AESGCM TLSv1.2"},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "DEFAULT HIGH ECDHE EECDH aRSA AES AES128 AESGCM TLSv1.2"},
	{"ECDHE-ECDSA-AES256-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "DEFAULT HIGH ECDHE EECDH ECDSA AES AES256 SHA SHA1 TLSv1"},
	{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "DEFAULT HIGH ECDHE EECDH aRSA AES AES256 SHA SHA1 TLSv1"},
	{"ECDHE-ECDSA-AES128-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "DEFAULT HIGH ECDHE EECDH ECDSA AES AES128 SHA SHA1 TLSv1"},
	{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "DEFAULT HIGH ECDHE EECDH aRSA AES AES128 SHA SHA1 TLSv1"},
	{"AES256-GCM-SHA384", tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "HIGH RSA kRSA aRSA AES AES256 AESGCM TLSv1.2"},
	{"AES128-GCM-SHA256", tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "HIGH RSA kRSA aRSA AES AES128 AESGCM TLSv1.2"},
	{"AES256-SHA", tls.TLS_RSA_WITH_AES_256_CBC_SHA, "HIGH RSA kRSA aRSA AES AES256 SHA SHA1"},
	{"AES128-SHA", tls.TLS_RSA_WITH_AES_128_CBC_SHA, "HIGH RSA kRSA aRSA AES AES128 SHA SHA1"},
	{"ECDHE-ECDSA-AES128-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, ""},
	{"ECDHE-RSA-AES128-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, ""},
	{"AES128-SHA256", tls.TLS_RSA_WITH_AES_128_CBC_SHA256, ""},
	{"DES-CBC3-SHA", tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, ""},
	{"ECDHE-RSA-DES-CBC3-SHA", tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, ""},
	{"RC4-SHA", tls.TLS_RSA_WITH_RC4_128_SHA, ""},
	{"ECDHE-RSA-RC4-SHA", tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, ""},
	{"ECDHE-ECDSA-RC4-SHA", tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, ""},
}

// is reports whether one of a cipher string's words means the suite.
func (c cipherSuite) is(word string) bool {
	return word == c.name || c.words != "" && word == "ALL" || slices.Contains(strings.Fields(c.words), word)
}

// selectCiphers reads a cipher string as OpenSSL's ciphers(1) describes it: words between colons, commas or spaces; A+B means what is both;
// a word after ! never comes (back), one after - is taken out until a later one brings it back. The order of the words, @STRENGTH, @SECLEVEL
// and a word after +, which only moves, mean nothing: crypto/tls has an order of its own. As with OpenSSL, unknown words are skipped,
// so that a file for another release can be read, and what is left must not be nothing.
func selectCiphers(value string) []uint16 {
	var chosen, banned []uint16
	for _, item := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(":, ;", r) }) {
		if item[0] == '@' || item[0] == '+' {
			continue
		}
		words := strings.Split(strings.TrimLeft(item, "!-"), "+")
		for _, c := range cipherSuites {
			switch {
			case slices.ContainsFunc(words, func(word string) bool { return !c.is(word) }):
			case item[0] == '!':
				banned = append(banned, c.id)
			case item[0] == '-':
				chosen = slices.DeleteFunc(chosen, func(id uint16) bool { return id == c.id })
			case !slices.Contains(chosen, c.id):
				chosen = append(chosen, c.id)
			}
		}
	}
	return slices.DeleteFunc(chosen, func(id uint16) bool { return slices.Contains(banned, id) })
}

// CipherSuites returns the suites of TLS 1.2 and older that tls-ciphers selects, as crypto/tls numbers them; nil, which stands for its own
// choice, if it is empty. A cipher string that selects none is an error.
func (v *Values) CipherSuites() ([]uint16, error) {
	if v.TLSCiphers == "" {
		return nil, nil
	}
	chosen := selectCiphers(v.TLSCiphers)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("tls-ciphers %q selects none of the cipher suites that there are", v.TLSCiphers)
	}
	return chosen, nil
}
