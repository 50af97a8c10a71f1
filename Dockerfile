# The worker: the function with the browser, as a container image for Lambda. How it is built and pushed stands in docs/deploy.md.
#
# Debian, not AWS's own base image: Amazon Linux has no Chromium and Playwright does not support it; Debian is what the tests run on.
# The runtime client (awslambdaric) makes any image one that Lambda can run.
ARG BASE=public.ecr.aws/docker/library/python:3.13-slim-bookworm
FROM ${BASE}

# libatomic1: without it Playwright's driver ends without a word. DejaVu has the Ukrainian letters for the pictures of a run.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends chromium-headless-shell fonts-dejavu-core libatomic1 \
 && rm -rf /var/lib/apt/lists/*

# Debian's own Python wants to be told that nobody else lives in this image.
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1

WORKDIR /var/task
COPY requirements.txt constraints.txt ./
RUN python3 -m pip install --quiet --requirement requirements.txt --constraint constraints.txt awslambdaric

# What .dockerignore lets through: what runs.
COPY . .

# Zappa's entry point reads the stage's settings from this module; byte code, because the files of a running function cannot be written.
RUN ZAPPA_RUNNING_IN_DOCKER=True zappa save-python-settings-file worker \
 && python3 -m compileall -q .

# Only /tmp can be written in a running function, and it runs as a user without a home.
ENV HOME=/tmp CHROMIUM_PATH=/usr/bin/chromium-headless-shell
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["zappa.handler.lambda_handler"]
