#!/bin/sh
# Carries the letters of hospital $SITE: the invitation one way, the answer the other.
set -eu
for letter in invitations/$SITE.invitation.json; do
    [ ! -e "/federation/$letter" ] || cp "/federation/$letter" /site/
done
[ ! -e "/site/$SITE.enrolment.json" ] || cp "/site/$SITE.enrolment.json" /federation/
