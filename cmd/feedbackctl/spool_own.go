// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// ownerMax is the largest number a user may have: -1 as 32 bits is nobody.
const ownerMax = 1<<32 - 2

type ownFlags struct {
	directory, owner string
}

func newSpoolOwnCommand(s streams) *cobra.Command {
	var f ownFlags
	cmd := &cobra.Command{
		Use:   "own",
		Short: "Give the directory of a spool to the user that the collector runs as",
		Long: `Give the directory of a spool to the user that the collector runs as, and make it
if it is not there. What is in it is left alone. It needs the right to change
owners: for an init container on a directory of the node, which nobody but root
could write to, in an image without a shell.`,
		Example: `  feedbackctl spool own --directory /var/lib/otelcol-feedback --owner 65532:65532`,
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return f.run() },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	registerDirectory(fs, s, &f.directory)
	fs.StringVar(&f.owner, "owner", "", "user and group, as numbers: 65532:65532")
	return cmd
}

func (f *ownFlags) run() error {
	user, group, colon := strings.Cut(f.owner, ":")
	uid, err := strconv.ParseInt(user, 10, 64)
	gid, groupErr := strconv.ParseInt(group, 10, 64)
	switch {
	case f.directory == "":
		return usagef("--directory must not be empty")
	case !colon || err != nil || groupErr != nil || min(uid, gid) < 0 || max(uid, gid) > ownerMax:
		return usagef("--owner %q: use two numbers, as in 65532:65532", f.owner)
	}
	if err := os.MkdirAll(f.directory, 0o750); err != nil {
		return err
	}
	if err := os.Chown(f.directory, int(uid), int(gid)); err != nil {
		return fmt.Errorf("%w; it takes root, or the capability CHOWN", err)
	}
	return nil
}
