{{- define "b" -}}
{{- $doc := fromToml .Values.doc }}
{{- range $key, $value := omit $doc "list" "table" }}
{{ $key }}: 
- {{ $value.Location }}
- {{ $value.Location.String }}
- {{ $value.IsDST }} {{ $value.Year }} {{ $value.Format "Mon Jan 2 15:04:05 MST 2006" }} {{ $value.GoString }}
- {{ printf "%#v" $value }}
- {{ $value.MarshalBinary }} {{ $value.GobEncode }}
- {{ $value.MarshalText | printf "%s" }} {{ $value.MarshalJSON | printf "%s" }}
- {{ ($value.AppendFormat $value.MarshalText "Monday") | printf "%s" }} {{ ($value.AppendText $value.MarshalText) | printf "%s" }}
- {{ ($value.In $doc.offset.Location).String }} {{ $value.UTC }} {{ $value.Local }} {{ dateModify "24h" $value }} {{ ($value.AddDate 0 1 0).Location }}
- {{ $value.Location | kindOf }} {{ $value.Location | typeOf }} {{ $value.Location | toJson }} {{ printf "%s %v %q %T" $value.Location $value.Location $value.Location $value.Location }}
- {{ date "2006-01-02 MST" $value }} {{ unixEpoch $value }} {{ $value.AppendBinary $value.MarshalBinary }}
{{- end }}
yaml: {{ dict "a" $doc.offset.Location | toYaml }}
truth: {{ if $doc.offset.Location }}yes{{ end }} {{ eq $doc.date.Location $doc.date.Location }} {{ toToml (dict "a" $doc.plus.Location.String "b" $doc.date.Location.String "c" (list $doc.date) "d" (dict "x" $doc.time)) }}
{{ toToml $doc.date }} {{ toToml (list $doc.date $doc.offset) }} {{ toToml (dict "a" (mustToDuration "1h")) }} {{ toToml (mustToDuration "1h") }} {{ mustToDuration "1h" | list | toToml }} {{ toToml (toDate "2006" "1999").Month }}
{{- end }}
