package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"quipu/server/config"
)

// tlsParameters are the parameters that make up the TLS configuration. Changing one reads all files again, which is how a renewed
// certificate is taken up.
var tlsParameters = []string{
	"tls-port", "tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-ca-cert-file", "tls-ca-cert-dir", "tls-auth-clients",
	"tls-protocols", "tls-ciphers", "tls-session-caching",
}

// tlsState is the TLS configuration for the next handshake.
type tlsState struct {
	config atomic.Pointer[tls.Config]
}

// wrap returns the secure connection over sock, before its handshake.
func (t *tlsState) wrap(sock net.Conn) net.Conn { return tls.Server(sock, t.config.Load()) }

// shakeHands makes the TLS handshake, within limit if that is not 0. A plain socket has none.
func shakeHands(sock net.Conn, limit time.Duration) error {
	secured, ok := sock.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx := context.Background()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	return nil
}

// reloadTLS makes a TLS configuration of v for the handshakes to come.
func (s *Server) reloadTLS(_, v *config.Values) error {
	if v.TLSPort == 0 {
		return nil
	}
	cfg, err := newTLSConfig(v)
	if err != nil {
		return err
	}
	s.listeners.tls.config.Store(cfg)
	return nil
}

// newTLSConfig reads the files that v names.
func newTLSConfig(v *config.Values) (*tls.Config, error) {
	cert, err := loadCertificate(v)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: !v.TLSSessionCaching}
	cfg.MinVersion, cfg.MaxVersion = v.TLSVersions()
	if cfg.CipherSuites, err = v.CipherSuites(); err != nil {
		return nil, err
	}
	switch v.TLSAuthClients {
	case config.TLSAuthYes:
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	case config.TLSAuthOptional:
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	case config.TLSAuthNo:
		return cfg, nil
	}
	cfg.ClientCAs, err = loadAuthorities(v)
	return cfg, err
}

// loadCertificate reads the server's certificate and its key.
func loadCertificate(v *config.Values) (tls.Certificate, error) {
	if v.TLSCertFile == "" {
		return tls.Certificate{}, errors.New("tls-cert-file is not set")
	}
	keyFile := v.TLSKeyFile
	if keyFile == "" {
		keyFile = v.TLSCertFile // both may be in one file
	}
	certPEM, err := os.ReadFile(v.Path(v.TLSCertFile))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read tls-cert-file: %w", err)
	}
	keyPEM, err := os.ReadFile(v.Path(keyFile))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read tls-key-file: %w", err)
	}
	if v.TLSKeyFilePass != "" {
		if keyPEM, err = decryptKey(keyPEM, v.TLSKeyFilePass); err != nil {
			return tls.Certificate{}, fmt.Errorf("decrypt tls-key-file: %w", err)
		}
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load tls-cert-file and tls-key-file: %w", err)
	}
	return cert, nil
}

// decryptKey undoes the encryption that "openssl genrsa -aes256 -traditional" applies, the only one that Go's library reads.
func decryptKey(keyPEM []byte, pass string) ([]byte, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("it holds no PEM block")
	}
	//lint:ignore SA1019 weak against tampering, which a file that only the operator writes does not suffer
	der, err := x509.DecryptPEMBlock(block, []byte(pass))
	if err != nil {
		return nil, fmt.Errorf("its encryption is not the traditional PEM one, or the password is wrong: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
}

// loadAuthorities reads the certificates that clients' certificates must descend from.
func loadAuthorities(v *config.Values) (*x509.CertPool, error) {
	var files []string
	if v.TLSCACertFile != "" {
		files = append(files, v.Path(v.TLSCACertFile))
	}
	if v.TLSCACertDir != "" {
		found, err := filepath.Glob(filepath.Join(v.Path(v.TLSCACertDir), "*"))
		if err != nil {
			return nil, fmt.Errorf("list tls-ca-cert-dir: %w", err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, errors.New("either tls-ca-cert-file or tls-ca-cert-dir must be set when tls-auth-clients is not \"no\"")
	}
	pool := x509.NewCertPool()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) && v.TLSCACertDir == "" {
			return nil, fmt.Errorf("read CA certificates: %s holds none", file)
		}
	}
	return pool, nil
}
