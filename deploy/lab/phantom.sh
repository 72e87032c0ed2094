#!/bin/sh
# In the site's image: computer-made patients of hospital $SITE into /data, and its site.yaml into /site.
set -eu
[ -e /site/site.yaml ] && exit
gmmas-site phantom /tmp/hospitals --sites 3 --cases 8 --size 48 --seed 0
cp -R "/tmp/hospitals/$SITE/." /data/
{ cat /data/site.yaml; echo "data: /data"; echo "state: /state"; echo "threads: 1"; } > /tmp/site.yaml
cp /tmp/site.yaml /site/site.yaml
