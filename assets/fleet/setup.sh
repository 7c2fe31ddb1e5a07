#!/usr/bin/env bash
# Sets up a beacon server on a new Amazon Linux 2023 instance; exits with 0 only if it serves.
#
#   setup.sh STREAM REGION PROXIES ADDRESSES     e.g. setup.sh rwa-clicks us-east-1 10.0.0.0/16 short
#
# The launch template's user data runs it (cfn/1-frontend.yaml) from /opt/beacon/fleet; the agent is
# in /opt/beacon/agent, the demo shop in /opt/beacon/site. It can be run again. If it fails, its
# last line is the reason that CloudFormation reports. ROOT replaces / in tests.
set -Eeuo pipefail
export LC_ALL=C # grep and test compare bytes, and messages are in English, on any machine

ROOT=${ROOT:-}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BASE=$(dirname "$HERE") # /opt/beacon
LOG=$ROOT/var/log/beacon/access.log
STATE=$ROOT/var/lib/beacon/agent.json

install_packages() {
    dnf install --assumeyes --quiet httpd logrotate python3.12 python3.12-pip
    # Exactly the versions and hashes in requirements.txt, and no package that must be compiled.
    python3.12 -m venv "$BASE/venv"
    "$BASE/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement "$BASE/agent/requirements.txt"
}

make_user() {
    id beacon >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /var/lib/beacon \
            --shell /sbin/nologin beacon
}

place_files() { # STREAM REGION PROXIES ADDRESSES
    local server
    server=$(<"$ROOT/var/lib/cloud/data/instance-id")
    install -d -m 0755 "$ROOT/etc/beacon" "$ROOT/etc/systemd/system" "$ROOT/etc/httpd/conf.d"
    install -d -m 0750 "$ROOT/var/log/beacon"
    printf 'AWS_DEFAULT_REGION=%s\nCLICKS_STREAM=%s\nSERVER_NAME=%s\nADDRESSES=%s\n' \
        "$2" "$1" "$server" "$4" >"$ROOT/etc/beacon/agent.env"
    printf 'Define BEACON_PROXIES "%s"\nDefine BEACON_SITE "%s"\nInclude %s/httpd.conf\n' \
        "$3" "$BASE/site" "$HERE" \
        >"$ROOT/etc/httpd/conf.d/beacon.conf"
    install -m 0644 "$HERE"/beacon-*.service "$HERE"/beacon-*.timer "$ROOT/etc/systemd/system/"
}

start() {
    # httpd opens the log as root; besides root, only the agent may read it.
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

# After two health checks with the answer 200, the load balancer sends beacons here.
health_checks_passed() {
    (($(grep -c '"GET /health HTTP/1.1" 200 .* "ELB-HealthChecker' "$LOG") >= 2))
}

# The agent saves its position after the stream has confirmed the records.
stream_has_lines() { grep -Eq '"offset": [1-9]' "$STATE"; }

main() {
    if (($# != 4)); then
        echo "Usage: setup.sh STREAM REGION PROXIES ADDRESSES"
        return 2
    fi
    trap 'echo "setup.sh failed in line $LINENO: $BASH_COMMAND"' ERR
    install_packages
    make_user
    place_files "$@"
    start
    trap - ERR # wait_for prints its own reason
    wait_for 30 "Apache answers /health" httpd_answers
    wait_for 60 "the clicks stream has records of the agent" stream_has_lines
    wait_for 180 "the load balancer's health checks are answered" health_checks_passed
    echo "This server accepts beacons."
}

# If sourced, as by its tests, it only defines its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
