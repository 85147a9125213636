// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/otelcol-feedback/otelcol-feedback/internal/setting"
)

// checkMachine finds what the configuration asks of this machine and cannot have.
func checkMachine(ctx context.Context, whole wholeConfig) []error {
	return append(checkFiles(whole), checkFree(ctx, whole)...)
}

// checkFree finds addresses that receivers are to listen on and cannot. They try
// themselves a moment later, but most of them would not say which setting it is.
// Extensions and the metrics' endpoint listen already.
func checkFree(ctx context.Context, whole wholeConfig) []error {
	var errs []error
	for _, l := range whole.listeners() {
		if l.path[0] != "receivers" {
			continue
		}
		address := net.JoinHostPort(l.host, l.port)
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err == nil {
			_ = socket.Close()
			continue
		}
		name := setting.Name(l.path...)
		var dns *net.DNSError
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			err = fmt.Errorf("%s: %s is in use by another process: set another address, or stop that process (ss -ltnp 'sport = :%s' names it)",
				name, address, l.port)
		case errors.Is(err, fs.ErrPermission):
			err = fmt.Errorf("%s: this user may not listen on %s: set a port from 1024 on, or give the process CAP_NET_BIND_SERVICE", name, address)
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			err = fmt.Errorf("%s: %s is no address of this machine: set one that is, localhost:%s, or 0.0.0.0:%s for all", name, address, l.port, l.port)
		case errors.As(err, &dns):
			err = fmt.Errorf("%s: the name %s cannot be resolved: set an address of this machine, localhost:%s, or 0.0.0.0:%s for all",
				name, l.host, l.port, l.port)
		default:
			err = fmt.Errorf("%s: %w", name, err)
		}
		errs = append(errs, err)
	}
	return errs
}

// fileKeys are the keys that name files with certificates and keys.
var fileKeys = []string{"ca_file", "cert_file", "key_file", "client_ca_file"}

// checkFiles finds files of receivers and exporters that are to be read at start
// and cannot be.
func checkFiles(whole wholeConfig) []error {
	var errs []error
	told := map[string]bool{}
	pipelines := section(whole.at("service", "pipelines"))
	for _, name := range sortedKeys(pipelines) {
		for _, kind := range []string{"receivers", "exporters"} {
			for _, id := range texts(section(pipelines[name])[kind]) {
				if at := kind + id; !told[at] {
					told[at] = true
					errs = append(errs, unreadable(whole.at(kind, id), []string{kind, id})...)
				}
			}
		}
	}
	return errs
}

func unreadable(node any, path []string) (errs []error) {
	fields := section(node)
	for _, name := range sortedKeys(fields) {
		inner := append(path[:len(path):len(path)], name)
		if !slices.Contains(fileKeys, name) {
			errs = append(errs, unreadable(fields[name], inner)...)
			continue
		}
		file := text(fields[name])
		if file == "" {
			continue
		}
		f, err := os.Open(file)
		if err == nil {
			_ = f.Close()
			continue
		}
		key := setting.Name(inner...)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("%s: there is no file %s: set the path of a PEM file", key, file)
		case errors.Is(err, fs.ErrPermission):
			err = fmt.Errorf("%s: %s may not be read by this user (uid %d): change its owner or mode", key, file, os.Getuid())
		default:
			err = fmt.Errorf("%s: %w", key, err)
		}
		errs = append(errs, err)
	}
	return errs
}
