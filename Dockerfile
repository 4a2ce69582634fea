# dance_now on the CPU, as a user without rights, with the pose networks inside: it runs without a network.
#
#   docker build -t dance-now .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" dance-now dance me.mp4
#
# BASE: any image with Python 3.11 to 3.13 and its venv module.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/dance_now
ENV PATH=/opt/dance_now/bin:$PATH DANCE_NOW_CACHE=/opt/dance_now/cache PIP_NO_CACHE_DIR=1
COPY pyproject.toml hatch_build.py hatch_readme.py README.md LICENSE NOTICE ./
COPY src ./src
# There is no C compiler here: the build fetches one for the kernel, and leaves nothing of it behind.
RUN python -m pip install . \
    && dance-now fetch \
    && chmod -R a+rX /opt/dance_now \
    && python -m pip uninstall --yes pip

FROM ${BASE}
COPY --from=build /opt/dance_now /opt/dance_now
# Any user may run it (--user): nothing is written outside /data and /tmp.
ENV PATH=/opt/dance_now/bin:$PATH \
    DANCE_NOW_MODELS=/opt/dance_now/cache \
    DANCE_NOW_CACHE=/tmp/dance_now \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --create-home --uid 1000 dancer && mkdir /data && chown dancer /data
USER 1000
WORKDIR /data
ENTRYPOINT ["dance-now"]
CMD ["--help"]
