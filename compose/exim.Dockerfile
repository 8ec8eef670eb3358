# A real Exim in the place of a mail host: smtplab's own image, and Debian's package in it.
ARG HOST_IMAGE=smtplab/host:local
FROM ${HOST_IMAGE}
LABEL org.smtplab.image="exim"
USER 0:0
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends exim4-daemon-light \
 && rm -rf /var/lib/apt/lists/* /etc/exim4 && ln -s /run/mta/exim4 /etc/exim4
