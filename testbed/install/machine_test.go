// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && install

package install

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// patience is for one step on a machine that has other work.
const patience = 3 * time.Minute

// machine is a Debian system under its own systemd, in namespaces of its own
// but for the network.
type machine struct {
	t      *testing.T
	root   string // of its files, seen from outside
	leader int    // pid of its systemd, seen from outside
	proc   *process.Process
}

// boot starts the system whose files are in root, and ends it with the test.
func boot(t *testing.T, root string) *machine {
	t.Helper()
	cmd := exec.Command("systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--directory="+root, "--console=pipe",
		"--boot", "systemd.unit=multi-user.target", "systemd.log_target=console", "systemd.show_status=no")
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=err")
	log := filepath.Join(t.TempDir(), "systemd.log")
	proc, err := process.Start(cmd, log)
	require.NoError(t, err)
	m := &machine{t: t, root: root, proc: proc}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.try("journalctl", "--no-pager", "-n", "60", "-u", service)
			t.Logf("the service's journal ends:\n%s", out)
		}
		m.proc.Kill()
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, proc.Await(ctx, func(context.Context) error {
		if m.leader == 0 {
			m.leader = leaderBelow(proc.Pid())
		}
		if m.leader == 0 {
			return fmt.Errorf("systemd has not started")
		}
		out, err := m.try("systemctl", "is-system-running")
		if state := strings.TrimSpace(out); state == "running" || state == "degraded" {
			return nil
		}
		return fmt.Errorf("systemd says %q: %w", out, err)
	}))
	return m
}

// leaderBelow finds the descendant of a process that is the first of its pid namespace.
func leaderBelow(pid int) int {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			continue
		}
		if ids := strings.Fields(status(child, "NSpid")); len(ids) > 1 && ids[len(ids)-1] == "1" {
			return child
		}
		if found := leaderBelow(child); found != 0 {
			return found
		}
	}
	return 0
}

// status is a line of /proc/PID/status.
func status(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// try runs a command in the machine as root.
func (m *machine) try(command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), patience)
	defer cancel()
	args := append([]string{"--target", strconv.Itoa(m.leader), "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--"}, command...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (m *machine) run(command ...string) string {
	m.t.Helper()
	out, err := m.try(command...)
	require.NoError(m.t, err, "%s\n%s", strings.Join(command, " "), out)
	return strings.TrimSpace(out)
}

// shell runs a script in the machine.
func (m *machine) shell(script string) string {
	m.t.Helper()
	return m.run("sh", "-ec", script)
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

func (m *machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(name))
	require.NoError(m.t, err)
	return string(text)
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	require.NoError(m.t, os.MkdirAll(filepath.Dir(m.path(name)), 0o755))
	require.NoError(m.t, os.WriteFile(m.path(name), []byte(text), 0o600))
}

func (m *machine) exists(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}
