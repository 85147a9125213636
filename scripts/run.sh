#!/usr/bin/env bash
# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# Starts the quick start (make run) and says where to send and where to look.
# Further arguments go to the collector.
set -euo pipefail
cd "$(dirname "$0")/.."

http=${COLLECTOR_HTTP__ENDPOINT:-localhost:8080}
broker=${COLLECTOR_EMBEDDED_KAFKA__ENDPOINT:-localhost:9092}

cat <<EOF

  Send      curl -i http://$http/v1/feedback -H 'Content-Type: application/json' \\
              -d '{"type":"user_feedback","session_id":"s-1","request_id":"7f1f4e1e-2f0c-4c4e-9d5b-1d1a3d8e6f10","rating":5,"comment":"Great, mail me at ann@example.com"}'
  Read      bin/feedbackctl tail --brokers $broker
  Look      http://localhost:55679/debug/pipelinez
  Stop      Ctrl-C

EOF
exec bin/otelcol-feedback --config config/quickstart.yaml "$@"
