#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Lays out the container image's file system in bin/rootfs from the binaries in
# bin/, with the licences of what is in them (make rootfs).
set -euo pipefail
cd "$(dirname "$0")/.."

root=bin/rootfs
authorities=
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
  if [[ -f $file ]]; then
    authorities=$file
    break
  fi
done
if [[ -z $authorities ]]; then
  echo "ERROR: no bundle of certificate authorities here (Debian package ca-certificates)" >&2
  exit 1
fi

rm -rf "$root"
install -d "$root"/{etc/ssl/certs,etc/otelcol-feedback,usr/bin,usr/share/licenses/otelcol-feedback,usr/share/sbom,var/lib/otelcol-feedback}
install -m 0755 bin/otelcol-feedback bin/feedbackctl "$root/usr/bin/"
install -m 0644 "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
install -m 0644 LICENSE bin/THIRD_PARTY_LICENSES "$root/usr/share/licenses/otelcol-feedback/"
install -m 0644 bin/sbom/*.cdx.json "$root/usr/share/sbom/"
install -m 0644 config/*.yaml "$root/etc/otelcol-feedback/"
cp -R config/overlays "$root/etc/otelcol-feedback/"
printf 'root:x:0:0:root:/:/sbin/nologin\nfeedback:x:65532:65532:feedback:/var/lib/otelcol-feedback:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nfeedback:x:65532:\n' >"$root/etc/group"
# Most runtimes put their own over it; without any, localhost is nobody.
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
# An empty directory would not survive every image builder.
touch "$root/var/lib/otelcol-feedback/.keep"
