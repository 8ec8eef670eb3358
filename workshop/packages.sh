#!/usr/bin/env bash
# Bring the foreign programs that the tests (and with the word bench, the benches) talk to. As root on Debian they are installed, without starting a
# daemon; elsewhere this says what is missing, and the tests that need it are left out (in CI they fail).
set -euo pipefail

programs=(swaks:swaks sslscan:sslscan openssl:openssl dig:dnsutils postfix:postfix posttls-finger:postfix tshark:tshark curl:curl gnutls-cli:gnutls-bin)
programs+=(delv:bind9-dnsutils) # the second opinion on DNSSEC
programs+=(testssl:testssl.sh)
programs+=(msmtp:msmtp) # a client over GnuTLS, which asks for stapled OCSP responses
programs+=(chromium:chromium) # the page is tested in a real browser
[ "${1:-}" != bench ] || programs+=(sslsplit:sslsplit stunnel4:stunnel4)
missing=()
PATH=$PATH:/usr/sbin:/sbin
for entry in "${programs[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
done
perl -MNet::SSLeay -e 1 2>/dev/null || missing+=(libnet-ssleay-perl) # swaks only recommends it, and has no TLS without it
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed here: ${missing[*]}. What needs them is left out and says so." >&2
  exit 0
fi

echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then # no daemon may start, and no trace of this may stay
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections || true
echo "wireshark-common wireshark-common/install-setuid boolean false" | debconf-set-selections || true
(apt-get update && apt-get install -y --no-install-recommends "${missing[@]}") >&2
