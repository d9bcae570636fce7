# visrec as an image: docker build -t visrec .
# Two servers, their database and a proxy: see compose.yaml.
FROM python:3.12-slim AS build
# The URL of PyTorch's index of CPU builds: without it the image is several times as large, and answers no faster.
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY constraints.txt ./
RUN python -m venv --without-pip /opt/visrec \
    && pip --python /opt/visrec/bin/python install --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -c constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip --python /opt/visrec/bin/python install -c constraints.txt '.[postgres]'

# Nothing that builds comes along: no pip of its own, no sources, no compiler.
FROM python:3.12-slim
RUN useradd --uid 10001 --create-home visrec \
    && install --directory --owner visrec --group visrec /shop /cache
COPY --from=build /opt/visrec /opt/visrec
ENV PATH=/opt/visrec/bin:$PATH PYTHONUNBUFFERED=1 VISREC_CACHE=/cache
USER 10001
WORKDIR /home/visrec
# The workspace, and weights that were fetched.
VOLUME ["/shop", "/cache"]
EXPOSE 8765
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as http; http.urlopen('http://127.0.0.1:8765/health/ready', timeout=2)"]
ENTRYPOINT ["visrec"]
# It starts once there is a key: visrec keys /shop --add NAME --role write
CMD ["serve", "/shop", "--host", "0.0.0.0"]
