{{ define "one" }}{{ include "two" . }}{{ end }}
{{ define "two" }}
{{ .Values.a.b }}{{ end }}