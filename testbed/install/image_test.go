// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && install

package install

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/process"
)

// user of the image, and its group.
const imageUser = 65532

// contain does what a container runtime does with --read-only: the image's
// files as a root that cannot be written to, a volume, /proc, and the image's user.
const contain = `
mount --bind "$IMAGE" "$IMAGE"
mount -o remount,bind,ro,nosuid,nodev "$IMAGE"
mount --bind "$VOLUME" "$IMAGE/var/lib/otelcol-feedback"
mount -t proc -o nosuid,nodev,noexec proc "$IMAGE/proc"
cd "$IMAGE"
unset IMAGE VOLUME
exec chroot --userspec=65532:65532 --groups= . "$@"
`

// TestImage starts the collector from the image's files.
func TestImage(t *testing.T) {
	image := inputs(t, "FEEDBACK_IMAGE")[0]
	for _, folder := range []string{"proc", "var/lib/otelcol-feedback"} { // a runtime makes its mount points
		require.NoError(t, os.MkdirAll(filepath.Join(image, folder), 0o755))
	}
	free, err := ports.Free(5)
	require.NoError(t, err)
	at := func(i int) string { return fmt.Sprintf("0.0.0.0:%d", free[i]) }
	f := newFeeder(t, ports.Loopback(free[0]))

	volume := t.TempDir()
	// Its user is another; the folder above is made for the test as well.
	for _, folder := range []string{volume, filepath.Dir(volume)} {
		require.NoError(t, os.Chmod(folder, 0o755))
	}
	require.NoError(t, os.Chown(volume, imageUser, imageUser))
	env := []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "IMAGE=" + image, "VOLUME=" + volume,
		"COLLECTOR_HTTP__ENDPOINT=" + at(0), "COLLECTOR_GRPC__ENDPOINT=" + at(1),
		"COLLECTOR_OTLP__GRPC_ENDPOINT=" + at(2), "COLLECTOR_OTLP__HTTP_ENDPOINT=" + at(3),
		"COLLECTOR_TELEMETRY__METRICS_HOST=0.0.0.0", fmt.Sprintf("COLLECTOR_TELEMETRY__METRICS_PORT=%d", free[4]),
		"COLLECTOR_SPOOL__DIRECTORY=/var/lib/otelcol-feedback/spool",
		"COLLECTOR_KAFKA__BROKERS=" + f.brokers(),
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.Command("unshare", append([]string{
			"--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation", "private", "sh", "-ec", contain, "sh",
		}, args...)...)
		cmd.Env = env
		return cmd
	}
	cmd := inside("/usr/bin/otelcol-feedback", "--config", "/etc/otelcol-feedback/collector.yaml")
	proc, err := process.Start(cmd, filepath.Join(t.TempDir(), "collector.log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the collector's log ends:\n%s", proc.LogTail(40))
		}
		proc.Kill()
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, proc.Await(ctx, func(ctx context.Context) error { return get(ctx, "http://"+f.http+"/ready") }))
	collector := leaderBelow(proc.Pid())
	require.NotZero(t, collector)

	// Nobody, without rights, on a root that is read-only.
	assert.Equal(t, strings.Repeat("65532\t", 3)+"65532", status(collector, "Uid"))
	assert.Equal(t, "0000000000000000", status(collector, "CapEff"))
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", collector))
	require.NoError(t, err)
	assert.Contains(t, string(mounts), " / ro,")
	assert.Contains(t, string(mounts), " /var/lib/otelcol-feedback rw,")

	f.feed(20)
	f.awaitAll()

	// Metrics are there for others, not on loopback's own address alone.
	require.NoError(t, get(ctx, fmt.Sprintf("http://127.0.0.2:%d/metrics", free[4])))

	// The image's health check, as the image's user: ready, and then nobody there.
	out, err := inside("/usr/bin/feedbackctl", "healthcheck").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "/ready answered 200 OK")

	// While Kafka is away events go to the volume.
	f.cluster.Nodes[0].Freeze()
	f.feed(20)
	require.Eventually(t, func() bool { return hasFiles(filepath.Join(volume, "spool")) }, patience, 200*time.Millisecond)
	f.cluster.Nodes[0].Thaw()
	f.awaitAll()

	// The first process of a container gets its signals.
	require.NoError(t, syscall.Kill(collector, syscall.SIGTERM))
	select {
	case <-proc.Done():
	case <-ctx.Done():
		t.Fatal("it did not end")
	}
	assert.Equal(t, 0, proc.ExitCode())
	out, err = inside("/usr/bin/feedbackctl", "healthcheck").CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, string(out))
	assert.Equal(t, 1, exit.ExitCode())

	// Nothing was written but to the volume: a root that is written to is refused.
	out, err = inside("/usr/bin/feedbackctl", "man", "/tmp").CombinedOutput()
	require.ErrorAs(t, err, &exit)
	assert.Contains(t, string(out), "read-only file system")
	http.DefaultClient.CloseIdleConnections()
}

// hasFiles is whether there is a file with something in it below a folder.
func hasFiles(folder string) (found bool) {
	_ = filepath.Walk(folder, func(_ string, info os.FileInfo, err error) error {
		found = found || err == nil && info.Mode().IsRegular() && info.Size() > 0
		return nil
	})
	return found
}
