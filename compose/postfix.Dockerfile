# A real Postfix in the place of a mail host: Debian's package beside what smtplab needs, and smtplab itself from its own image. The
# packages come first: a change of smtplab's code does not fetch them anew.
ARG HOST_IMAGE=smtplab/host:local
ARG NEEDS_IMAGE=smtplab/needs:local
FROM ${NEEDS_IMAGE} AS packages
RUN echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections \
 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postfix \
      postfix-mta-sts-resolver \
 && rm -rf /var/lib/apt/lists/*

FROM ${HOST_IMAGE} AS host

FROM packages
LABEL org.smtplab.image="postfix"
COPY --from=host /usr/local/packages/lab /usr/local/packages/lab
COPY --from=host /usr/local/bin/smtplab /usr/local/bin/
# what Python brings has no bytecode where that lies elsewhere; it is compiled once, as for the other hosts
RUN PYTHONDONTWRITEBYTECODE= python -c "import lab.hosts.service, lab.hosts.postfix"
