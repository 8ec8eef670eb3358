# A real Postfix in the place of a mail host: smtplab's own image, and Debian's package in it.
ARG HOST_IMAGE=smtplab/host:local
FROM ${HOST_IMAGE}
LABEL org.smtplab.image="postfix"
USER 0:0
RUN echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections \
 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postfix \
      postfix-mta-sts-resolver \
 && rm -rf /var/lib/apt/lists/*
