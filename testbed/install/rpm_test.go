// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && install

package install

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRPMPackage takes the .rpm through the same life, with rpm itself: its
// database, its scriptlets, its way with configuration files, under a real systemd.
// The system below is Debian's, so the names of packages that it depends on are not
// looked up, and presets and SELinux are not those of a distribution with rpm.
func TestRPMPackage(t *testing.T) {
	s, environment := newStory(t, "rpm")
	s.steps(t, []step{
		{"install", func() { s.installRPM(environment) }},
		{"confined", s.confined},
		{"reload", s.reload},
		{"upgrade", s.upgradeRPM},
		{"downgrade", s.downgradeRPM},
		{"remove", s.removeRPM},
		{"again", s.againRPM},
	})
}

func (s *story) rpm(args ...string) {
	s.test().Helper()
	s.run(append([]string{"rpm", "--force-debian", "--nodeps"}, args...)...)
}

func (s *story) installRPM(environment string) {
	t := s.test()
	s.rpm("-i", "/opt/old.rpm")
	assert.False(t, s.active(), "nothing is started")
	s.run("systemctl", "enable", "--now", service)
	require.True(t, s.active())
	assert.Equal(t, environment, s.read(etc+"/environment"), "what was there is kept")
	assert.True(t, s.exists(etc+"/environment.rpmnew"), "the package's lies beside it")
	assert.Equal(t, "otelcol-feedback:otelcol-feedback 750", s.run("stat", "-c", "%U:%G %a", state))
	assert.Equal(t, "root:root 644", s.run("stat", "-c", "%U:%G %a", etc+"/collector.yaml"))
	assert.Equal(t, "root:otelcol-feedback 640", s.run("stat", "-c", "%U:%G %a", etc+"/environment.rpmnew"))
	assert.Contains(t, s.run("getent", "passwd", "otelcol-feedback"), ":/sbin/nologin")
	// All that it put there is as it was packed, but for what was there before.
	out, _ := s.try("rpm", "-V", "--nodeps", "otelcol-feedback")
	assert.Regexp(t, `^\S+  c /etc/otelcol-feedback/environment\n$`, out)
	s.healthcheck()
	s.feed(20)
	s.awaitAll()
}

func (s *story) upgradeRPM() {
	t := s.test()
	before, was := s.mainPID(), s.run("feedbackctl", "version")
	s.cluster.Nodes[0].Freeze()
	s.feed(30)
	s.rpm("-U", "/opt/new.rpm")
	require.True(t, s.active())
	assert.NotEqual(t, before, s.mainPID(), "the service was restarted")
	assert.NotEqual(t, was, s.run("feedbackctl", "version"))
	assert.Equal(t, "enabled", s.run("systemctl", "is-enabled", service))
	assert.Contains(t, s.read(etc+"/collector.yaml"), "# mine", "a file that was changed is kept")
	assert.True(t, s.exists(etc+"/collector.yaml.rpmnew"), "the new one lies beside it")
	assert.Contains(t, s.read(etc+"/durable.yaml"), "# next", "a file that was not changed is replaced")
	assert.Contains(t, s.spooled(), eventsTopic)
	s.cluster.Nodes[0].Thaw()
	s.feed(5)
	s.awaitAll()
}

func (s *story) downgradeRPM() {
	s.cluster.Nodes[0].Freeze()
	s.feed(10)
	s.rpm("-U", "--oldpackage", "/opt/old.rpm")
	require.True(s.test(), s.active())
	s.cluster.Nodes[0].Thaw()
	s.awaitAll()
}

func (s *story) removeRPM() {
	t := s.test()
	s.cluster.Nodes[0].Freeze()
	s.feed(10)
	s.rpm("-e", "otelcol-feedback")
	assert.False(t, s.active())
	assert.False(t, s.exists("/usr/bin/otelcol-feedback"))
	assert.False(t, s.exists(etc+"/durable.yaml"), "a file that was not changed goes")
	for _, name := range []string{"/environment", "/collector.yaml"} {
		assert.True(t, s.exists(etc+name+".rpmsave"), "%s is kept", name)
	}
	assert.True(t, s.hasSpool(), "events are kept")
}

func (s *story) againRPM() {
	t := s.test()
	s.run("mv", etc+"/environment.rpmsave", etc+"/environment")
	s.rpm("-i", "/opt/new.rpm")
	assert.False(t, s.active())
	s.run("systemctl", "enable", "--now", service)
	s.cluster.Nodes[0].Thaw()
	s.awaitAll()
}
