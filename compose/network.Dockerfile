# What cuts and worsens the ways between hosts in containers: iptables and tc, beside a host for a moment, with the one capability
# that they need. The hosts themselves are given none.
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE}
LABEL org.smtplab.image="network"
USER 0:0
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends iptables iproute2 \
 && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["sh", "-euc"]
