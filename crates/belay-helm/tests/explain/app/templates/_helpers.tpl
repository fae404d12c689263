{{- define "app.fullname" -}}
{{ .Release.Name }}-{{ default .Chart.Name .Values.nameOverride }}
{{- end -}}
{{- define "app.labels" -}}
app: {{ include "app.fullname" . }}
version: {{ .Chart.AppVersion | quote }}
{{- range $key, $value := .Values.labels }}
{{ $key }}: {{ $value }}
{{- end }}
{{- end -}}
{{- define "app.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.global.registry }}/{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
