# dvproxy in a container: one static program and CA roots, no shell, not root.
#
#   docker build -t dvproxy .
#   docker run --rm --read-only --cap-drop ALL --tmpfs /tmp --network host \
#     -e DATAVERSE_URL -e AZURE_TENANT_ID -e AZURE_CLIENT_ID -e AZURE_CLIENT_SECRET dvproxy
#
# It listens on localhost, which is right for a sidecar: the containers of a pod
# share one network, and so do `--network host` and `--network container:job`.
# A port mapping (-p 127.0.0.1:7080:7080) reaches only listeners on all addresses.
# Those lend the credential to whoever gets there, so the file given with
# --config has to say that this is meant:
#
#   environments:
#     - listen: 0.0.0.0:7080
#       guard: {dangerously_allow_anyone: true, dangerously_allow_plaintext: true}
#
# /tmp holds parts of large request bodies, unlinked as soon as they are opened.
# Without a writable /tmp (or retry.dir) only what fits in memory can be sent again.
# A tmpfs counts as the container's memory: with a limit (32m is enough) mount a disk.
# deploy/container/README.md has more: other processors, SBOM, reproducible images.

FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
# Where modules come from may be said with --build-arg.
ARG GOPROXY
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
# The release that the program calls itself; without it, what git says of .git.
ARG VERSION
# Beside the program stands a list of the modules in it (CycloneDX).
# The same source makes the same bytes: no paths, no build id of this machine, and
# a fixed time on the files. (--timestamp, or SOURCE_DATE_EPOCH with BuildKit's
# rewrite-timestamp, does that for the image around it.)
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /out/dvproxy ./cmd/proxy \
 && CGO_ENABLED=0 go run ./cmd/release sbom -version "$VERSION" /out/dvproxy >/out/dvproxy.cdx.json \
 && touch -d @0 /out/*

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="dvproxy" \
      org.opencontainers.image.description="A local proxy that keeps a Dataverse token fresh for programs that cannot" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian12:nonroot"
COPY --from=build /out/ /
# By number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 65532:65532
# The proxy and its admin listener (/livez, /readyz, /metrics).
EXPOSE 7080 7081
# There is no shell and no curl to probe with, so the program probes itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/dvproxy", "healthcheck"]
ENTRYPOINT ["/dvproxy"]
CMD ["serve"]
