# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

# From source:          docker build -t otelcol-feedback .
# From ready binaries:  make rootfs && docker build --build-arg FILES=prebuilt -t otelcol-feedback .
#
# The final image holds two static binaries, the configurations, certificate
# authorities and an account without rights; no shell and no package manager.
# Its root can be read-only: only the volume /var/lib/otelcol-feedback is written to.

# Which stage the files come from: build or prebuilt.
ARG FILES=build

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: this layer lasts as long as no dependency changes.
COPY go.mod go.sum ./
COPY api/go.mod api/go.sum api/
COPY distribution/otelcol-feedback/go.mod distribution/otelcol-feedback/go.sum distribution/otelcol-feedback/
RUN cd distribution/otelcol-feedback && GOWORK=off go mod download
COPY . .
RUN make rootfs

FROM scratch AS prebuilt
COPY bin/rootfs/ /src/bin/rootfs/

FROM ${FILES} AS files

FROM scratch AS final
# What this image is: --build-arg VERSION=… REVISION=… CREATED=… (RFC 3339).
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="otelcol-feedback" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.vendor="The otelcol-feedback Authors" \
      org.opencontainers.image.documentation="https://github.com/otelcol-feedback/otelcol-feedback/blob/main/docs/deployment-container.md" \
      org.opencontainers.image.description="LLM feedback in, Kafka records out: an OpenTelemetry Collector distribution" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/otelcol-feedback/otelcol-feedback"

COPY --from=files /src/bin/rootfs/etc/ /etc/
COPY --from=files /src/bin/rootfs/usr/ /usr/
# The spool and file positions: the only place that is written to.
COPY --from=files --chown=65532:65532 /src/bin/rootfs/var/lib/ /var/lib/

# Collectors listen on loopback unless told otherwise; in a container that
# would be nobody.
ENV COLLECTOR_HTTP__ENDPOINT=0.0.0.0:8080 \
    COLLECTOR_GRPC__ENDPOINT=0.0.0.0:9090 \
    COLLECTOR_OTLP__GRPC_ENDPOINT=0.0.0.0:4317 \
    COLLECTOR_OTLP__HTTP_ENDPOINT=0.0.0.0:4318 \
    COLLECTOR_TELEMETRY__METRICS_HOST=0.0.0.0 \
    COLLECTOR_SPOOL__DIRECTORY=/var/lib/otelcol-feedback/spool

# Feedback over HTTP and gRPC, OTLP over gRPC and HTTP, metrics.
EXPOSE 8080 9090 4317 4318 8888
VOLUME /var/lib/otelcol-feedback
WORKDIR /var/lib/otelcol-feedback
USER 65532:65532
# GET /ready, asked without a shell. Kubernetes ignores this and has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/bin/feedbackctl", "healthcheck"]
ENTRYPOINT ["/usr/bin/otelcol-feedback"]
CMD ["--config", "/etc/otelcol-feedback/collector.yaml"]
