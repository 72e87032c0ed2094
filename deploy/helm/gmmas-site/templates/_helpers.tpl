{{- define "gmmas.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gmmas.labels" -}}
{{ include "gmmas.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: gmmas-fed
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gmmas.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "gmmas.container" -}}
image: {{ include "gmmas.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "gmmas.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
shareProcessNamespace: true # the pod's own first process takes leave of orphans
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  # Else every start opens the keys on the volumes to the group, and files that must be their owner's alone are refused.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
  {{- with .Values.data.groups }}
  supplementalGroups: {{ toJson . }}
  {{- end }}
{{- end }}
