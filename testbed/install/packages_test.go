// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && install

package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
)

const (
	service = "otelcol-feedback.service"
	etc     = "/etc/otelcol-feedback"
	state   = "/var/lib/otelcol-feedback"
)

// inputs are what scripts/test-packages.sh has prepared.
func inputs(t *testing.T, names ...string) (values []string) {
	t.Helper()
	for _, name := range names {
		value := os.Getenv(name)
		require.NotEmpty(t, value, "%s is not set: run make test-packages", name)
		values = append(values, value)
	}
	return values
}

// TestDebianPackage installs, feeds, upgrades, downgrades, removes and purges
// the package on a Debian system, with Kafka away where events could be lost.
func TestDebianPackage(t *testing.T) {
	s, environment := newStory(t, "deb")
	s.steps(t, []step{
		{"install", func() { s.install(environment) }},
		{"confined", s.confined},
		{"reload", s.reload},
		{"upgrade", s.upgrade},
		{"downgrade", s.downgrade},
		{"remove", s.remove},
		{"again", s.again},
		{"purge", s.purge},
	})
}

// newStory starts Kafka and a machine on which both packages lie in /opt, and what
// configuration management has left before the package comes.
func newStory(t *testing.T, format string) (s *story, environment string) {
	t.Helper()
	in := inputs(t, "FEEDBACK_DEBIAN", "FEEDBACK_PACKAGE_OLD", "FEEDBACK_PACKAGE_NEW")
	root, older, newer := in[0], in[1], in[2]
	free, err := ports.Free(5)
	require.NoError(t, err)
	at := func(i int) string { return ports.Loopback(free[i]) }
	f := newFeeder(t, at(0))
	for name, file := range map[string]string{"old.": older, "new.": newer} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, "opt", name+format), text, 0o600))
	}
	environment = strings.Join([]string{
		"COLLECTOR_HTTP__ENDPOINT=" + at(0), "COLLECTOR_GRPC__ENDPOINT=" + at(1),
		"COLLECTOR_OTLP__GRPC_ENDPOINT=" + at(2), "COLLECTOR_OTLP__HTTP_ENDPOINT=" + at(3),
		"COLLECTOR_TELEMETRY__METRICS_PORT=" + strings.Split(at(4), ":")[1],
		"COLLECTOR_KAFKA__BROKERS=" + f.brokers(), "",
	}, "\n")
	m := boot(t, root)
	m.write(etc+"/environment", environment)
	return &story{machine: m, feeder: f}, environment
}

// step is a part of a story, told after all before it went well.
type step struct {
	name string
	run  func()
}

func (s *story) steps(t *testing.T, steps []step) {
	for _, step := range steps {
		if t.Failed() {
			return
		}
		t.Run(step.name, func(t *testing.T) { s.at(t); step.run() })
	}
}

// story is one machine through the life of the package.
type story struct {
	*machine
	*feeder
}

func (s *story) at(t *testing.T) { s.machine.t, s.feeder.t = t, t }

func (s *story) test() *testing.T { return s.machine.t }

func (s *story) dpkg(args ...string) {
	s.test().Helper()
	s.run(append([]string{"dpkg", "--force-confold"}, args...)...)
}

func (s *story) active() bool {
	out, _ := s.try("systemctl", "is-active", service)
	return strings.TrimSpace(out) == "active"
}

func (s *story) mainPID() string {
	return s.run("systemctl", "show", "--property=MainPID", "--value", service)
}

// starts is how often receivers have started.
func (s *story) starts() int {
	return strings.Count(s.run("journalctl", "--no-pager", "-u", service), "Everything is ready")
}

// healthcheck asks with the service's own variables.
func (s *story) healthcheck() {
	s.test().Helper()
	s.shell("set -a; . " + etc + "/environment; feedbackctl healthcheck")
}

func (s *story) spooled() string {
	s.test().Helper()
	return s.run("setpriv", "--reuid=otelcol-feedback", "--regid=otelcol-feedback", "--clear-groups",
		"feedbackctl", "spool", "status", "--directory", state+"/spool")
}

// hasSpool is whether segments with events are on the machine's disk.
func (s *story) hasSpool() bool { return hasFiles(s.path(state + "/spool")) }

func (s *story) install(environment string) {
	t := s.test()
	s.dpkg("-i", "/opt/old.deb")
	// Type=notify: it has started when dpkg returns.
	require.True(t, s.active())
	assert.Equal(t, "enabled", s.run("systemctl", "is-enabled", service))
	assert.Equal(t, environment, s.read(etc+"/environment"), "what was there is kept")
	assert.Equal(t, "otelcol-feedback:otelcol-feedback 750", s.run("stat", "-c", "%U:%G %a", state))
	assert.Equal(t, "root:root 644", s.run("stat", "-c", "%U:%G %a", etc+"/collector.yaml"))
	assert.Contains(t, s.run("dpkg-deb", "-c", "/opt/old.deb"), "-rw-r----- root/otelcol-feedback")
	assert.Contains(t, s.run("dpkg-query", "-W", "-f", "${Conffiles}", "otelcol-feedback"), etc+"/durable.yaml")
	assert.Contains(t, s.run("getent", "passwd", "otelcol-feedback"), ":/usr/sbin/nologin")
	assert.True(t, s.exists("/usr/share/man/man1/feedbackctl.1.gz") || s.exists("/etc/dpkg/dpkg.cfg.d/excludes"))
	s.run("bash", "-n", "/usr/share/bash-completion/completions/feedbackctl")
	s.healthcheck()
	s.feed(20)
	s.awaitAll()
}

// confined looks at the process from outside.
func (s *story) confined() {
	t := s.test()
	inside, err := strconv.Atoi(s.mainPID())
	require.NoError(t, err)
	// The same process, as this machine numbers it.
	out, err := exec.Command("nsenter", "--target", strconv.Itoa(s.leader), "--mount", "--pid", "--root", "--",
		"cat", "/proc/"+strconv.Itoa(inside)+"/status").Output()
	require.NoError(t, err)
	fields := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	assert.NotEqual(t, "0", strings.Fields(fields["Uid"])[0])
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		assert.Equal(t, "0000000000000000", fields[set], set)
	}
	assert.Equal(t, "1", fields["NoNewPrivs"])
	assert.Equal(t, "2", fields["Seccomp"], "a filter of system calls")
	assert.Equal(t, "0077", fields["Umask"])
	// Its own view: read-only but for the state directory.
	mounts := s.shell("cat /proc/" + strconv.Itoa(inside) + "/mountinfo")
	assert.Regexp(t, ` /var/lib/otelcol-feedback rw`, mounts)
	assert.Regexp(t, ` / / ro|[^ ]+ / ro`, mounts)
}

func (s *story) reload() {
	t := s.test()
	before := s.mainPID()
	started := s.starts()
	s.run("systemctl", "reload", service)
	// The signal was sent; the ports close, and open again.
	require.Eventually(t, func() bool { return s.starts() > started }, patience, 100*time.Millisecond)
	assert.Equal(t, before, s.mainPID(), "a reload keeps the process")
	s.feed(5)
	s.awaitAll()

	// A configuration that does not load is refused, and the old one goes on.
	good := s.read(etc + "/collector.yaml")
	require.NoError(t, os.WriteFile(s.path(etc+"/collector.yaml"), []byte(good+"\nunknown: true\n"), 0o644))
	_, err := s.try("systemctl", "reload", service)
	require.Error(t, err)
	assert.True(t, s.active())
	assert.Equal(t, before, s.mainPID())
	// And a change of the administrator's own, which an upgrade keeps.
	require.NoError(t, os.WriteFile(s.path(etc+"/collector.yaml"), []byte(good+"\n# mine\n"), 0o644))
	s.feed(5)
}

func (s *story) upgrade() {
	t := s.test()
	before, was := s.mainPID(), s.run("feedbackctl", "version")
	assert.NotContains(t, s.read(etc+"/durable.yaml"), "# next")
	s.cluster.Nodes[0].Freeze()
	s.feed(30)
	s.dpkg("-i", "/opt/new.deb")
	require.True(t, s.active())
	assert.NotEqual(t, before, s.mainPID(), "the service was restarted")
	assert.NotEqual(t, was, s.run("feedbackctl", "version"))
	assert.Contains(t, s.read(etc+"/collector.yaml"), "# mine", "a file that was changed is kept")
	assert.True(t, s.exists(etc+"/collector.yaml.dpkg-dist"), "the new one lies beside it")
	assert.Contains(t, s.read(etc+"/durable.yaml"), "# next", "a file that was not changed is replaced")
	assert.True(t, s.hasSpool())
	assert.Contains(t, s.spooled(), eventsTopic)
	s.cluster.Nodes[0].Thaw()
	s.feed(5)
	s.awaitAll()
}

func (s *story) downgrade() {
	t := s.test()
	s.cluster.Nodes[0].Freeze()
	s.feed(10)
	s.dpkg("--force-downgrade", "-i", "/opt/old.deb")
	require.True(t, s.active())
	s.cluster.Nodes[0].Thaw()
	s.awaitAll()
}

func (s *story) remove() {
	t := s.test()
	s.cluster.Nodes[0].Freeze()
	s.feed(10)
	s.dpkg("-r", "otelcol-feedback")
	assert.False(t, s.active())
	assert.False(t, s.exists("/usr/bin/otelcol-feedback"))
	assert.True(t, s.exists(etc+"/environment"))
	assert.True(t, s.hasSpool(), "events are kept")
}

func (s *story) again() {
	t := s.test()
	s.dpkg("-i", "/opt/new.deb")
	require.True(t, s.active())
	s.cluster.Nodes[0].Thaw()
	s.awaitAll()
}

func (s *story) purge() {
	t := s.test()
	s.dpkg("-P", "otelcol-feedback")
	assert.False(t, s.exists(state))
	assert.False(t, s.exists(etc))
	out, _ := s.try("systemctl", "is-enabled", service)
	assert.NotContains(t, out, "enabled")
}
