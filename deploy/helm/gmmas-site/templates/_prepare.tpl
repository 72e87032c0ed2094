{{- /* What the first container does before the node starts: keys that are their owner's alone, and the enrolment. */ -}}
{{- define "gmmas.prepare" -}}
umask 077
key=/state/enrolment
# A volume that is mounted for a group may have been opened to it, and the node refuses a key that others can read.
if [ -d "$key" ]; then chmod -R go= "$key"; fi
{{- if .Values.enrolment.keySecret }}
mkdir -p "$key"
for file in supernode_key supernode_key.pub ca.crt connection.json; do
  install -m 600 "/enrolment/$file" "$key/$file"
done
{{- else if .Values.enrolment.invitationSecret }}
# An answered invitation is answered again with the same key; a new one replaces the key.
gmmas-site enrol /enrolment/invitation.json --data /site --out /state/{{ .Values.site.site }}.enrolment.json \
  || [ -f "$key/connection.json" ]
{{- end }}
{{- end }}
