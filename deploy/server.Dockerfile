# The coordinator's image: server, gmmas_core and configs. No image code path of a hospital, no lab, no tests, no pip.
# Build from the root of the checkout: make images TORCH_INDEX=URL   (deploy/containers.md). Research use only.
#
# The first two stages are the same text as in client.Dockerfile, so that both images share their large layers.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# Empty unless the build is given a folder of wheels: --build-context wheels=FOLDER
FROM scratch AS wheels

FROM ${PYTHON_IMAGE} AS libraries
# cpu, from TORCH_INDEX or the folder of wheels; or cuda, from the default index.
ARG TORCH=cpu
ARG TORCH_INDEX=
ARG TORCH_SHA256=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY deploy/image/requirements*.txt /locked/
RUN pip install --no-deps --require-hashes -r /locked/requirements-build.txt \
    && python -m venv --without-pip /opt/gmmas
RUN --mount=type=bind,from=wheels,target=/wheels \
    pip wheel --no-deps --no-build-isolation --require-hashes --find-links /wheels \
        -w /wheelhouse -r /locked/requirements.txt \
    && if [ "$TORCH" = cuda ]; then \
        pip wheel --no-deps --require-hashes --find-links /wheels -w /wheelhouse -r /locked/requirements-cuda.txt; \
    else \
        sed "s/+cpu$/&${TORCH_SHA256:+ --hash=sha256:$TORCH_SHA256}/" /locked/requirements-cpu.txt > /locked/torch.txt \
        && pip wheel --no-deps --find-links /wheels ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
            -w /wheelhouse -r /locked/torch.txt; \
    fi \
    && pip --python /opt/gmmas/bin/python install --no-deps --no-index /wheelhouse/*.whl \
    && rm -r /wheelhouse
# What nothing here calls: uv (Flower would install packages with it at run time), torch's headers, static libraries
# and test programs, and the larger libraries' own tests.
WORKDIR /opt/gmmas/lib/python3.11/site-packages
RUN rm -rf uv uv-*.dist-info /opt/gmmas/bin/uv /opt/gmmas/bin/uvx \
        torch/include torch/test torch/share torch/lib/*.a \
    && find torch/bin -type f ! -name torch_shm_manager -delete \
    && find scipy matplotlib sympy networkx nibabel -type d -name tests -prune -exec rm -rf {} +

FROM libraries AS release
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY gmmas_core gmmas_core
COPY configs configs
COPY server server
RUN sed -i '/^gmmas-site = /d; /^gmmas-lab = /d; s/"client", //' pyproject.toml \
    && pip wheel --no-deps --no-build-isolation -w /wheelhouse . \
    && pip --python /opt/gmmas/bin/python install --no-deps --no-index --root /release /wheelhouse/*.whl

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/gmmas/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 GMMAS_IMAGE="" \
    FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1 FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION=1
RUN groupadd --gid 1000 gmmas && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /tmp gmmas \
    && rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip*
COPY --from=libraries /opt/gmmas /opt/gmmas
# Debian keeps the newest version alone: a pinned one could not be built after its next correction.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/* \
    && mkdir /federation /runs && chown 1000:1000 /federation /runs
COPY --from=release /release/opt/gmmas /opt/gmmas
RUN --mount=type=bind,source=deploy/image,target=/image python /image/sbom.py /opt/gmmas/sbom.cdx.json
ARG PYTHON_IMAGE
ARG RELEASE=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="GMMAS-Fed coordinator" \
    org.opencontainers.image.description="Server of a GMMAS federation. Research use only. Not a medical device." \
    org.opencontainers.image.version="$RELEASE" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="$PYTHON_IMAGE"
WORKDIR /runs
USER 1000:1000
EXPOSE 8443
HEALTHCHECK --interval=30s --timeout=20s --start-period=120s --retries=3 CMD ["gmmas-coordinator", "health", "/federation"]
ENTRYPOINT ["gmmas-coordinator"]
CMD ["serve", "/federation", "--port", "8443"]
