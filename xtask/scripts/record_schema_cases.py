#!/usr/bin/env python3
"""Record what a real API server makes of objects, edits and applies, as cases for `belay-schema`.

    record_schema_cases.py SERVER TOKEN OUT            the fixed cases, one file each (crates/belay-schema/tests/cases)
    record_schema_cases.py SERVER TOKEN OUT SEED N     N random sequences as one JSON-lines file, for a long comparison

The API server is a fresh one without controllers (deleted Namespaces stay) and with these admission plugins off, so that only storage speaks: ServiceAccount,
DefaultTolerationSeconds, Priority, StorageObjectInUseProtection, LimitRanger, TaintNodesByCondition, DefaultStorageClass,
DefaultIngressClass, RuntimeClass. Times are left out of what is recorded and uids are replaced.
"""
import copy, http.client, json, os, random, ssl, sys, time
from urllib.parse import quote, urlparse
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from schema_samples import BAD_CRDS, CRD, CRD_SAMPLES, FIXED, RULED_CASES, RULED_CRD, SAMPLES

class Api:
    def __init__(self, server, token):
        self.host, self.token = urlparse(server).netloc, token
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection(self.host, context=context, timeout=30)
    def call(self, method, path, body=None, kind="application/json"):
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": kind, "Accept": "application/json"}
        data = json.dumps(body) if body is not None else None
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text), answer.getheader("Warning")

PATCHES = {"apply": "application/apply-patch+yaml", "merge": "application/merge-patch+json",
           "json": "application/json-patch+json", "strategic": "application/strategic-merge-patch+json"}

def path_of(obj, plural, namespaced, name=None, subresource=""):
    version = obj["apiVersion"]
    path = ("/apis/" if "/" in version else "/api/") + version
    if namespaced: path += "/namespaces/default"
    path += "/" + plural
    if name is not None: path += "/" + quote(name)
    if subresource: path += "/" + subresource
    return path

def clean(value):
    """Without times, with a fixed uid; resourceVersion and generation do not belong to the schema."""
    value = copy.deepcopy(value)
    meta = value.get("metadata", {})
    for key in ("resourceVersion", "creationTimestamp", "generation", "selfLink"): meta.pop(key, None)
    if "uid" in meta: meta["uid"] = "uid"
    for entry in meta.get("managedFields", []):
        if "time" in entry: entry["time"] = "2026-01-01T00:00:00Z"
    return value

class Recorder:
    def __init__(self, api):
        self.api = api
        self.discovered = {}
    def resource(self, version, kind):
        if version not in self.discovered:
            path = ("/apis/" if "/" in version else "/api/") + version
            self.discovered[version] = self.api.call("GET", path)[1].get("resources", [])
        for resource in self.discovered[version]:
            if resource["kind"] == kind and "/" not in resource["name"]: return resource["name"], resource["namespaced"]
        raise SystemExit("no resource for %s %s" % (version, kind))
    def run(self, first, steps, name):
        """Run the steps for real, note each answer, and delete the object."""
        plural, namespaced = self.resource(first["apiVersion"], first["kind"])
        out, version = [], None
        for step in steps:
            step = copy.deepcopy(step)
            sub = step.get("subresource", "")
            query = "?fieldManager=" + quote(step["manager"]) if step.get("manager") else "?"
            if step.get("strict"): query += "&fieldValidation=Strict"
            body = step["body"]
            if step["verb"] == "create":
                status, answer, warning = self.api.call("POST", path_of(first, plural, namespaced) + query, body)
            elif step["verb"] == "update":
                body = copy.deepcopy(body)
                if version: body["metadata"]["resourceVersion"] = version
                status, answer, warning = self.api.call("PUT", path_of(first, plural, namespaced, name, sub) + query, body)
            else:
                if step.get("force"): query += "&force=true"
                status, answer, warning = self.api.call("PATCH", path_of(first, plural, namespaced, name, sub) + query, body, PATCHES[step["verb"]])
            if warning: step["warning"] = warning
            if status < 300:
                step["object"], version = clean(answer), answer["metadata"]["resourceVersion"]
            else:
                step["error"] = {"code": answer.get("code"), "reason": answer.get("reason"), "message": answer.get("message")}
                if "details" in answer and "causes" in answer["details"]: step["error"]["causes"] = answer["details"]["causes"]
            if status == 404: break
            out.append(step)
        status, _, _ = self.api.call("DELETE", path_of(first, plural, namespaced, name), {"propagationPolicy": "Background", "gracePeriodSeconds": 0})
        return out

def install_crd(api, CRD=CRD, plural="widgets"):
    status, answer, _ = api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    if status not in (201, 409): raise SystemExit(answer)
    for _ in range(50):
        time.sleep(0.2)
        if api.call("GET", "/apis/schema.belay.example/v1")[0] == 200 and api.call("GET", "/apis/schema.belay.example/v1/" + plural)[0] == 200: break
    time.sleep(1)

# ---- random edits -----------------------------------------------------------------------------------------------
WORDS = ["a", "b", "c", "web", "x1"]
def leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items(): yield from leaves(item, path + (key,))
    elif isinstance(value, list):
        for at, item in enumerate(value): yield from leaves(item, path + (at,))
    else: yield path
def parents(value, path=()):
    if isinstance(value, (dict, list)):
        yield path
        for key, item in (value.items() if isinstance(value, dict) else enumerate(value)): yield from parents(item, path + (key,))
def at(value, path):
    for key in path: value = value[key]
    return value
def edited(rng, obj, strong=True):
    """An object with some labels, scalars or list items changed; not always valid, which is fine."""
    obj = copy.deepcopy(obj)
    for _ in range(rng.choice([1, 1, 2, 3])):
        choice = rng.random()
        meta = obj.setdefault("metadata", {})
        if choice < 0.3:
            meta.setdefault(rng.choice(["labels", "annotations"]), {})[rng.choice(WORDS)] = rng.choice(WORDS)
        elif choice < 0.4:
            for key in ("labels", "annotations"):
                if meta.get(key): meta[key].pop(rng.choice(sorted(meta[key])), None)
        else:
            spots = [p for p in parents(obj) if p and p[0] not in ("apiVersion", "kind", "metadata")]
            if not spots: continue
            spot = rng.choice(spots); holder = at(obj, spot)
            if isinstance(holder, list) and holder:
                action = rng.random()
                if action < 0.3: rng.shuffle(holder)
                elif action < 0.6: holder.pop(rng.randrange(len(holder)))
                else:
                    item = copy.deepcopy(rng.choice(holder))
                    if isinstance(item, dict):
                        for key in ("name", "key", "id"):
                            if isinstance(item.get(key), str): item[key] = item[key] + rng.choice(WORDS)
                        for key in ("port", "containerPort"):
                            if isinstance(item.get(key), int): item[key] = item[key] + rng.randrange(1, 9)
                    elif isinstance(item, str): item += rng.choice(WORDS)
                    elif isinstance(item, int): item += 1
                    holder.insert(rng.randrange(len(holder) + 1), item)
            elif isinstance(holder, dict) and holder:
                key = rng.choice(sorted(holder)); value = holder[key]
                if isinstance(value, bool): holder[key] = not value
                elif isinstance(value, int): holder[key] = value + rng.randrange(0, 3)
                elif isinstance(value, str) and key in ("image", "path", "value", "data", "text", "description"): holder[key] = value + rng.choice(WORDS)
                elif rng.random() < 0.5: holder.pop(key)
    return obj
def partial(rng, obj):
    """What an applier might hold of it: the identity and some of the rest."""
    obj = copy.deepcopy(obj)
    for spot in sorted(parents(obj), key=len, reverse=True):
        if not spot or spot[0] in ("apiVersion", "kind") or spot == ("metadata",): continue
        try: holder = at(obj, spot)
        except (KeyError, IndexError): continue
        if isinstance(holder, dict):
            for key in sorted(holder):
                if key not in ("name", "key", "id", "port", "containerPort", "protocol") and rng.random() < 0.15: holder.pop(key)
        elif holder and rng.random() < 0.2: holder.pop(rng.randrange(len(holder)))
    return obj
def differences(rng, before, after):
    """A merge patch from before to after."""
    out = {}
    for key in sorted(set(before) | set(after)):
        if key not in after: out[key] = None
        elif key not in before: out[key] = after[key]
        elif isinstance(before[key], dict) and isinstance(after[key], dict):
            inner = differences(rng, before[key], after[key])
            if inner: out[key] = inner
        elif before[key] != after[key]: out[key] = after[key]
    return out
def random_steps(rng, sample, custom):
    current, steps = copy.deepcopy(sample), []
    if rng.random() < 0.5: steps.append({"verb": "create", "manager": rng.choice(["kubectl-create", "helm", "kubectl-client-side-apply"]), "body": sample})
    else: steps.append({"verb": "apply", "manager": "one", "body": sample})
    for _ in range(rng.randrange(1, 5)):
        verb = rng.choice(["apply", "apply", "apply", "update", "merge", "json" if custom else "strategic"])
        after = edited(rng, current)
        if verb == "apply":
            steps.append({"verb": verb, "manager": rng.choice(["one", "two", "three"]), "force": rng.random() < 0.6, "body": partial(rng, after)})
        elif verb == "update": steps.append({"verb": verb, "manager": rng.choice(["edit", "helm"]), "body": after})
        elif verb == "json":
            steps.append({"verb": verb, "manager": "jsonpatch", "body": [{"op": "add", "path": "/metadata/labels", "value": {rng.choice(WORDS): rng.choice(WORDS)}}]})
        else:
            patch = differences(rng, current, after)
            steps.append({"verb": verb, "manager": rng.choice(["edit", "patcher"]), "body": patch})
        current = after
    return steps

def main():
    server, token, out = sys.argv[1:4]
    api = Api(server, token)
    recorder = Recorder(api)
    install_crd(api)
    install_crd(api, RULED_CRD, "ruleds")
    if len(sys.argv) > 4:
        rng = random.Random(int(sys.argv[4]))
        everything = [(s, False) for s in SAMPLES if s["kind"] != "FlowSchema"] + [(s, True) for s in CRD_SAMPLES] * 4
        with open(out, "w") as file:
            for number in range(int(sys.argv[5])):
                sample, custom = rng.choice(everything)
                sample = copy.deepcopy(sample)
                sample["metadata"]["name"] = name = sample["metadata"]["name"] if sample["kind"] in ("APIService", "CustomResourceDefinition") else "r%d" % number
                if sample["kind"] in ("APIService", "CustomResourceDefinition"): continue
                steps = recorder.run(sample, random_steps(rng, sample, custom), name)
                file.write(json.dumps({"name": "%s-%d" % (sample["kind"], number), "apiVersion": sample["apiVersion"], "kind": sample["kind"], "crd": custom, "steps": steps}, sort_keys=True) + "\n")
        return
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "widget-crd.json"), "w") as file: json.dump(CRD, file, indent=1, sort_keys=True); file.write("\n")
    with open(os.path.join(out, "ruled-crd.json"), "w") as file: json.dump(RULED_CRD, file, indent=1, sort_keys=True); file.write("\n")
    refused = {}
    for name, crd in BAD_CRDS.items():
        status, answer, _ = api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All", crd)
        refused[name] = {"crd": crd, "causes": answer.get("details", {}).get("causes", []) if status >= 300 else [], "message": answer.get("message", "")}
    with open(os.path.join(out, "refused-crds.json"), "w") as file: json.dump(refused, file, indent=1, sort_keys=True); file.write("\n")
    def write(name, first, steps, custom):
        case = {"apiVersion": first["apiVersion"], "kind": first["kind"], "crd": custom, "steps": steps}
        with open(os.path.join(out, name + ".case.json"), "w") as file: json.dump(case, file, indent=1, sort_keys=True); file.write("\n")
    for sample in SAMPLES + CRD_SAMPLES:
        custom = sample in CRD_SAMPLES
        meta = sample["metadata"]
        label = "create-%s-%s" % (sample["kind"].lower(), meta["name"].replace(".", "-"))
        write(label, sample, recorder.run(sample, [{"verb": "create", "manager": "test", "body": sample}], meta["name"]), custom)
    for name, sample, steps in RULED_CASES:
        write(name, sample, recorder.run(sample, steps, sample["metadata"]["name"]), True)
    for name, sample, steps in FIXED:
        write(name, sample, recorder.run(sample, steps, sample["metadata"]["name"]), sample["kind"] == "Widget")

main()
