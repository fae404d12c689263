{{- define "labels" -}}
a: {{ .a }}
b: {{ .b | default "none" }}
{{- end -}}