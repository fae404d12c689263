{{ define "lib.config" }}apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-lib
{{ end }}