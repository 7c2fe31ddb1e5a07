#!/usr/bin/env bash
# Makes a beacon server of a fresh Amazon Linux 2023 instance, and ends well only if it serves.
#
#   setup.sh STREAM REGION PROXIES     e.g. setup.sh rwa-clicks us-east-1 10.0.0.0/16
#
# The launch template's user data runs it (cfn/1-frontend.yaml) from /opt/beacon/fleet, with the
# agent beside it in /opt/beacon/agent and the demo shop in /opt/beacon/site. It may be run again. Its last line is what CloudFormation
# is told when it fails. ROOT, if set, is where files are placed instead of / (in tests).
set -Eeuo pipefail
export LC_ALL=C # grep and test compare bytes, and programs speak English, on any machine

ROOT=${ROOT:-}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BASE=$(dirname "$HERE") # /opt/beacon
LOG=$ROOT/var/log/beacon/access.log
STATE=$ROOT/var/lib/beacon/agent.json

install_packages() {
    dnf install --assumeyes --quiet httpd logrotate python3.12 python3.12-pip
    # The versions and the bytes that requirements.txt names, and nothing that must be compiled.
    python3.12 -m venv "$BASE/venv"
    "$BASE/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement "$BASE/agent/requirements.txt"
}

make_user() {
    id beacon >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /var/lib/beacon \
            --shell /sbin/nologin beacon
}

place_files() { # STREAM REGION PROXIES
    local server
    server=$(<"$ROOT/var/lib/cloud/data/instance-id")
    install -d -m 0755 "$ROOT/etc/beacon" "$ROOT/etc/systemd/system" "$ROOT/etc/httpd/conf.d"
    install -d -m 0750 "$ROOT/var/log/beacon"
    printf 'AWS_DEFAULT_REGION=%s\nCLICKS_STREAM=%s\nSERVER_NAME=%s\n' "$2" "$1" "$server" \
        >"$ROOT/etc/beacon/agent.env"
    printf 'Define BEACON_PROXIES "%s"\nDefine BEACON_SITE "%s"\nInclude %s/httpd.conf\n' \
        "$3" "$BASE/site" "$HERE" \
        >"$ROOT/etc/httpd/conf.d/beacon.conf"
    install -m 0644 "$HERE"/beacon-*.service "$HERE"/beacon-*.timer "$ROOT/etc/systemd/system/"
}

start() {
    # httpd opens the log as root; the agent may read it, and nobody else.
    chgrp beacon "$ROOT/var/log/beacon"
    httpd -t
    systemctl daemon-reload
    systemctl enable beacon-agent.service httpd.service beacon-logrotate.timer
    systemctl restart beacon-agent.service httpd.service beacon-logrotate.timer
}

wait_for() { # SECONDS WHAT COMMAND...
    local seconds=$1 what=$2 deadline=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            echo "Not within $seconds s: $what"
            return 1
        fi
        sleep 1
    done
}

httpd_answers() { curl --fail --silent --max-time 2 http://127.0.0.1/health; }

# Two looks answered with 200: from then on the balancer sends beacons here.
balancer_has_looked() {
    (($(grep -c '"GET /health HTTP/1.1" 200 .* "ELB-HealthChecker' "$LOG") >= 2))
}

# The agent saves how far it has come only once the stream has it.
stream_has_lines() { grep -Eq '"offset": [1-9]' "$STATE"; }

main() {
    if (($# != 3)); then
        echo "Usage: setup.sh STREAM REGION PROXIES"
        return 2
    fi
    trap 'echo "setup.sh failed in line $LINENO: $BASH_COMMAND"' ERR
    install_packages
    make_user
    place_files "$@"
    start
    trap - ERR # what follows says itself what it waited for
    wait_for 30 "Apache answers /health" httpd_answers
    wait_for 60 "the clicks stream takes what the agent ships" stream_has_lines
    wait_for 180 "the load balancer's health checks are answered" balancer_has_looked
    echo "This server takes beacons."
}

# Sourced, as by its tests, it only defines its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
