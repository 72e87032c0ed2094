#!/bin/sh
# In the server's image: the laboratory's federation.yaml, then its authority, certificate and invitations.
set -eu
[ -e /federation/federation.yaml ] || cat > /federation/federation.yaml <<'YAML'
name: laboratory
server: {address: "server:8443"}
sites: [east, north, south]
YAML
gmmas-coordinator provision /federation
