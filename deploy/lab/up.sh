#!/bin/sh
# Brings the laboratory up: provision, three hospitals enrolled and approved, server and nodes running.
# May be repeated; what is there stays. Then: docker compose -f deploy/compose.lab.yaml run --rm launch
set -eu
cd "$(dirname "$0")/.."
export COMPOSE_FILE="${COMPOSE_FILE:-compose.lab.yaml}"

approve() { # tried again while the server is still starting
    for _ in $(seq 30); do
        docker compose exec -T server gmmas-coordinator approve "$1" "/federation/$1.enrolment.json" \
            --federation /federation --fingerprint "$2" && return
        sleep 2
    done
    return 1
}

docker compose run --rm -T provision
docker compose up -d server
for SITE in east north south; do
    export SITE
    docker compose run --rm -T phantom
    docker compose run --rm -T post
    answer=$(docker compose run --rm -T enrol) # not behind a pipe, which would hide its failure
    # Read out over the telephone, between real hospitals.
    spoken=$(echo "$answer" | sed -n 's/.*"fingerprint": "\([^"]*\)".*/\1/p')
    docker compose run --rm -T post
    approve "$SITE" "$spoken"
done
docker compose up -d east north south
