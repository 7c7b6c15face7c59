# vibesync in a container: programs and page, run by nobody in particular. compose.yaml has it beside a PostgreSQL.
#
#   docker build -t vibesync .
#
# No container engine was at hand where this was written: tests/install/container.sh runs the same commands in a bare Debian instead.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev cmake ninja-build pkgconf libuv1-dev libwslay-dev libpq-dev \
    libmsgpack-dev libxxhash-dev libssl-dev libzstd-dev zlib1g-dev libjansson-dev libhttp-parser-dev
COPY . /src
RUN cmake -G Ninja -S /src -B /build -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr/local \
    && cmake --build /build && DESTDIR=/out cmake --install /build --strip

FROM node:22-bookworm-slim AS page
COPY clients /src/clients
WORKDIR /src/clients
RUN npm ci --no-audit --no-fund && node web/build.mjs --out /out/web

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl libuv1 libwslay1 libpq5 libssl3 libzstd1 zlib1g libjansson4 \
    libhttp-parser2.9 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vibesync
COPY --from=build /out/usr/local/bin /usr/local/bin
COPY --from=page /out/web /usr/local/share/vibesync/web
USER vibesync
ENV VIBESYNC_LISTEN=0.0.0.0:8440 VIBESYNC_WEB_ROOT=/usr/local/share/vibesync/web VIBESYNC_LOG_FORMAT=json
EXPOSE 8440
# The process works; whether its database is there is /readyz, and restarting vibesyncd would not bring that back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8440/healthz"]
# Longer than --drain-ms: compose.yaml, stop_grace_period.
STOPSIGNAL SIGTERM
ENTRYPOINT ["vibesyncd"]
CMD ["serve"]
