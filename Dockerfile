# Every host of a lab runs from this one image: `smtplab host ROLE`. Nothing in it is root's to do: run it read-only, without
# capabilities but NET_BIND_SERVICE. It reads its description from standard input (or a file in /lab) and writes nothing but to /tmp.
ARG BASE_IMAGE=python:3.12-slim
# What smtplab needs changes seldom, and so has layers of its own, on which the images of real MTAs stand too (compose/).
FROM ${BASE_IMAGE} AS needs
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src

# What is for terminals only goes again: hosts have none.
COPY pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > /tmp/needs \
 && pip install --no-cache-dir --root-user-action=ignore -r /tmp/needs \
 && pip uninstall -q -y --root-user-action=ignore prompt_toolkit wcwidth pygments \
 && rm /tmp/needs \
 && ln -s "$(python -c "import sysconfig; print(sysconfig.get_path('purelib'))")" /usr/local/packages \
 && install -d -m 0755 -o 10001 -g 10001 /lab $(printf "/lab/%s " exchange online internet appliance dns sts) \
 && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin smtplab

WORKDIR /tmp
EXPOSE 25 53/udp 53/tcp
# The host answers on a socket of its own: asking SMTP would be a session in everybody's transcript.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-IS", "-c", "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect('/tmp/health'); s.recv(1) or exit(1)"]
ENTRYPOINT ["smtplab"]
CMD ["--help"]

FROM needs
LABEL org.smtplab.image="host"
WORKDIR /src
COPY README.md LICENSE ./
COPY lab lab
COPY scenarios scenarios
# Python's own modules come without bytecode, and nobody may write it later: what hosts and labs use is compiled here, once. It
# halves the time to start and saves each host 3 MB.
RUN pip install --no-cache-dir --root-user-action=ignore --no-deps . && rm -rf /src/* \
 && PYTHONDONTWRITEBYTECODE= smtplab run healthy > /dev/null \
 && PYTHONDONTWRITEBYTECODE= python -c "import lab.hosts.service, lab.cli.seat, lab.live.opening, lab.web.control"

WORKDIR /tmp
USER 10001:10001
