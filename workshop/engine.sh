#!/usr/bin/env bash
# A Docker engine for the tests. `engine.sh up FOLDER` prints the DOCKER_HOST to use: the present one's where an engine answers; else, as
# root on Debian, that of an engine of its own that keeps everything in FOLDER. `engine.sh down FOLDER` ends what `up` started, by its
# number, and removes what it left in the system. Without root or Debian `up` says why there is none and ends with 3.
set -euo pipefail
folder=${2:?usage: engine.sh up|down FOLDER}
pidfile=$folder/dockerd.pid

answers() { # a Docker engine at this address
  [ -S "${1#unix://}" ] && curl -fsS --max-time 5 --unix-socket "${1#unix://}" http://engine/_ping 2>/dev/null | grep -q OK
}

compose() { # what the compose files are tried with
  if command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-compose) >&2 || true
  fi
}

up() {
  export PATH=$PATH:/usr/sbin:/sbin
  if [ -n "${DOCKER_HOST:-}" ]; then echo "$DOCKER_HOST"; return; fi
  if answers unix:///var/run/docker.sock; then compose; echo unix:///var/run/docker.sock; return; fi
  if [ "$(id -u)" != 0 ]; then echo "no Docker engine answers, and only root could start one" >&2; exit 3; fi
  if ! command -v dockerd >/dev/null || ! command -v curl >/dev/null || { ! mountpoint -q /sys/fs/cgroup && ! command -v cgroupfs-mount >/dev/null; }; then
    if ! command -v apt-get >/dev/null; then echo "no Docker engine answers, and this is no Debian on which to install one" >&2; exit 3; fi
    echo "installing docker.io" >&2
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then # what is installed for the tests must not start by itself
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' >$policy
      chmod 755 $policy
    fi
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io docker-compose cgroupfs-mount curl ca-certificates) >&2
  fi
  compose
  mkdir -p "$folder"
  mountpoint -q /sys/fs/cgroup || { cgroupfs-mount && touch "$folder/mounted"; } 2>/dev/null || true
  iptables-save 2>/dev/null | grep -q DOCKER || iptables -S FORWARD 2>/dev/null | grep -e '^-P' >"$folder/clean-tables" || true
  setsid nohup dockerd --data-root "$folder/data" --exec-root "$folder/run" --pidfile "$pidfile" --host "unix://$folder/docker.sock" \
    --bridge none --group root >"$folder/dockerd.log" 2>&1 </dev/null &
  local started=$!
  for _ in $(seq 1 300); do
    if answers "unix://$folder/docker.sock"; then echo "unix://$folder/docker.sock"; return; fi
    kill -0 $started 2>/dev/null || break
    sleep 0.1
  done
  echo "the Docker engine does not start: $(tail -n 5 "$folder/dockerd.log")" >&2
  exit 1
}

down() {
  [ -s "$pidfile" ] || return 0
  local number
  number=$(cat "$pidfile")
  kill "$number"
  for _ in $(seq 1 300); do kill -0 "$number" 2>/dev/null || break; sleep 0.1; done
  if [ -s "$folder/clean-tables" ]; then # no other engine has rules here: take ours out again
    for table in filter nat; do # what is looked for may not be there: none of it is an error
      { iptables -t $table -S 2>/dev/null | grep -E '^-A .*-j DOCKER' || true; } | sed 's/^-A/-D/' | while read -r rule; do eval "iptables -t $table $rule" || true; done
      chains=$({ iptables -t $table -S 2>/dev/null | grep -oE '^-N DOCKER[A-Z0-9-]*' || true; } | cut -d' ' -f2)
      for chain in $chains; do iptables -t $table -F "$chain" || true; done
      for chain in $chains; do iptables -t $table -X "$chain" || true; done
    done
    eval "iptables $(cat "$folder/clean-tables")" || true
  fi
  if [ -e "$folder/mounted" ] && command -v cgroupfs-umount >/dev/null; then
    cgroupfs-umount 2>/dev/null || true
    umount /sys/fs/cgroup 2>/dev/null || true # it leaves the folder's own mount
  fi
  mount | awk -v f="$folder/" 'index($3, f) == 1 {print $3}' | sort -r | while read -r point; do umount "$point" || true; done
}

"$1"
