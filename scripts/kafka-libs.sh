#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fetches Apache Kafka's jars, as testbed/kafka/pom.xml names them, into
# .cache/kafka/libs, and sees to a Java that runs them.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

pom=testbed/kafka/pom.xml
libs=.cache/kafka/libs
stamp=.cache/kafka/pom.sha256
packages=()

java_ok || packages+=(openjdk-17-jre-headless)
fetch=true
if [[ -f $stamp ]] && sha256sum --check --status "$stamp"; then
  fetch=false
elif ! command -v mvn >/dev/null; then
  packages+=(maven)
fi

if ((${#packages[@]})) && ! install_packages "${packages[@]}"; then
  skip "the tests on Apache Kafka" "apt-get install ${packages[*]}"
fi
java_ok || skip "the tests on Apache Kafka" "a Java of version 17 or above is needed on PATH"

if $fetch; then
  rm -rf "$libs"
  mkdir -p "$libs"
  echo "fetching Apache Kafka's jars into $libs"
  mvn --batch-mode --quiet -Dstyle.color=never -f "$pom" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$libs"
  sha256sum "$pom" >"$stamp"
fi
