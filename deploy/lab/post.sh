#!/bin/sh
# Carries the letters of hospital $SITE: the invitation one way, the answer the other.
set -eu
invitation=/federation/invitations/$SITE.invitation.json
[ ! -e "$invitation" ] || cp "$invitation" /site/
[ ! -e "/site/$SITE.enrolment.json" ] || cp "/site/$SITE.enrolment.json" /federation/
