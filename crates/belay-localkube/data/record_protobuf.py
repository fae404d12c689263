"""Record the numbers and names of the API's protobuf fields, as facts only:

    python3 record_protobuf.py $(go env GOMODCACHE)/k8s.io

Reads `generated.proto` (numbers, types) and Go's struct tags (JSON names, inlining) of k8s.io/api,
apimachinery, apiextensions-apiserver and kube-aggregator v0.34.4; writes protobuf.json.gz.
A field is [number, JSON name or "" when inlined, type, 0 single / 1 repeated / 2 map].
"""
import gzip, json, pathlib, re, sys

root = pathlib.Path(sys.argv[1])
messages = {}
modules = ["api", "apimachinery", "apiextensions-apiserver", "kube-aggregator"]
for module in modules:
    for proto in sorted((root / f"{module}@v0.34.4").rglob("generated.proto")):
        text = re.sub(r"//.*", "", proto.read_text())
        package = re.search(r"^package ([\w.]+);", text, re.M).group(1)
        go = "\n".join(path.read_text() for path in proto.parent.glob("*.go") if "generated" not in path.name)
        structs = dict(re.findall(r"^type (\w+) struct \{(.*?)^\}", go, re.M | re.S))
        for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.M | re.S):
            tags = dict((key, value) for value, key in re.findall(
                r'json:"([^"]*)"\s+protobuf:"[^"]*name=(\w+)', structs.get(name, "")))
            fields = []
            for label, kind, field, number in re.findall(
                    r"^\s*(optional |repeated |)((?:map<[^>]+>)|[\w.]+) (\w+) = (\d+);", body, re.M):
                many = 1 if label == "repeated " else 0
                if kind.startswith("map<"):
                    many, kind = 2, kind[4:-1].split(",")[1].strip()
                if kind[0] == ".":
                    kind = kind[1:]
                elif kind[0].isupper():
                    kind = f"{package}.{kind}"
                tag = tags.get(field)
                if tag is None:
                    json_name = field
                else:
                    json_name = tag.split(",")[0]
                fields.append([int(number), json_name, kind, many])
            messages[f"{package}.{name}"] = fields
out = pathlib.Path(__file__).with_name("protobuf.json.gz")
out.write_bytes(gzip.compress(json.dumps(messages, separators=(",", ":"), sort_keys=True).encode(), 9, mtime=0))
print(len(messages), out.stat().st_size)
