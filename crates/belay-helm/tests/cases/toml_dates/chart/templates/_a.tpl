{{- define "a" -}}
{{- $doc := fromToml .Values.doc }}
{{- range $key, $value := $doc }}
# {{ $key }}: {{ $value }} | {{ printf "%v %s %q %T" $value $value $value $value }} | {{ kindOf $value }} | {{ typeOf $value }}
{{- end }}
yaml: |
{{ toYaml $doc | indent 2 }}
json: {{ toJson $doc }}
toml: |
{{ toToml $doc | indent 2 }}
{{- end }}
