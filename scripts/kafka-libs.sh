#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Fetches Apache Kafka's jars, as testbed/kafka/pom.xml names them, into
# .cache/kafka/libs, and sees to a Java that runs them. With the argument 3.9
# those of testbed/kafka/pom-3.9.xml, into .cache/kafka-3.9/libs.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=${1:+-$1}
pom=testbed/kafka/pom$version.xml
libs=.cache/kafka$version/libs
stamp=.cache/kafka$version/pom.sha256
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
  log=.cache/kafka/mvn.log
  if ! mvn --batch-mode --quiet -f "$pom" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$libs" >"$log" 2>&1; then
    cat "$log" >&2
    echo "ERROR: Maven could not fetch Apache Kafka's jars" >&2
    exit 1
  fi
  sha256sum "$pom" >"$stamp"
fi
