// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"errors"
	"net"
	"strings"
	"time"
)

// envNotifySocket names the service manager's socket (sd_notify(3)); a unit of
// Type=notify sets it.
const envNotifySocket = "NOTIFY_SOCKET"

// notifyReady tells the service manager that receivers have started. Without
// one there is nothing to tell.
func notifyReady(socket string) (err error) {
	if socket == "" {
		return nil
	}
	// Of an abstract socket's name the first byte is 0, written @; net reads it so.
	if !strings.HasPrefix(socket, "/") && !strings.HasPrefix(socket, "@") {
		return errors.New(envNotifySocket + " names no socket of this machine")
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err = conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = conn.Write([]byte("READY=1"))
	return err
}
