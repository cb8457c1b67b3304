# A static binary and nothing else: no shell, no package manager, no user database.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/quipu . \
 && mkdir /out/data

FROM scratch
COPY --from=build /out/quipu /quipu
# The directory must belong to the server's user before it becomes a volume: a new volume inherits that.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# The default data directory is ./data, so that of the container is /data, also for those who give arguments of their own.
WORKDIR /
VOLUME /data
EXPOSE 6379
# Exits 0 when PING answers PONG. A start with a long log to replay is not ill; it answers LOADING or not yet.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["/quipu", "ping"]
ENTRYPOINT ["/quipu"]
# Protected mode would refuse everyone but the container itself; what may reach the port is decided by what is published. Set
# requirepass where that is more than the host.
CMD ["--bind", "*", "-::*", "--protected-mode", "no"]
