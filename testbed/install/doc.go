// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package install tests what is shipped where it is installed: the Debian
// package on a Debian system under systemd, the container image's files with a
// root that cannot be written to. Its tests need root and Linux; make
// test-packages and make test-container run them (build tag install).
package install // import "github.com/otelcol-feedback/otelcol-feedback/testbed/install"
