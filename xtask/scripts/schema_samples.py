"""Objects of many kinds, a CustomResourceDefinition with every list and map type, and fixed edit sequences."""
import copy

def obj(version, kind, name, namespaced=True, **rest):
    return dict({"apiVersion": version, "kind": kind, "metadata": {"name": name}}, **rest)

POD = {"containers": [
    {"name": "app", "image": "nginx", "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}],
     "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
             {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}, {"name": "D", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
     "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}, "requests": {"cpu": "100m"}},
     "livenessProbe": {"httpGet": {"port": "http"}}, "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 5},
     "startupProbe": {"grpc": {"port": 9000}},
     "volumeMounts": [{"name": "cfg", "mountPath": "/cfg"}, {"name": "tmp", "mountPath": "/tmp", "readOnly": False}],
     "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}}, "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}},
    {"name": "side", "image": "registry.example:5000/side:v1", "args": ["-v"], "command": ["/side"]}],
    "initContainers": [{"name": "init", "image": "busybox:latest", "restartPolicy": "Always"}],
    "volumes": [{"name": "cfg", "configMap": {"name": "cm"}}, {"name": "tmp"}, {"name": "sec", "secret": {"secretName": "s"}},
                {"name": "proj", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "cm"}}, {"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}},
                {"name": "host", "hostPath": {"path": "/x"}}, {"name": "cache", "emptyDir": {"sizeLimit": "0.5Gi"}}],
    "serviceAccountName": "sa", "nodeSelector": {"a": "b"}, "tolerations": [{"key": "k", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "z", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "x"}}}],
    "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}], "imagePullSecrets": [{"name": "pull"}]}
SMALL = {"containers": [{"name": "c", "image": "busybox@sha256:" + "0" * 64}]}
def template(spec, restart=None):
    spec = copy.deepcopy(spec)
    if restart:
        spec["restartPolicy"] = restart
    return {"metadata": {"labels": {"app": "x"}}, "spec": spec}
SELECTOR = {"matchLabels": {"app": "x"}}
HOOK = {"name": "a.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {"service": {"name": "s", "namespace": "n"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}
PVC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}

SAMPLES = [
    obj("v1", "ConfigMap", "cm", data={"a": "1", "b": "two\n"}), obj("v1", "ConfigMap", "cm-empty"), obj("v1", "ConfigMap", "cm-binary", binaryData={"x": "AAEC"}, immutable=False),
    obj("v1", "Secret", "sec", stringData={"user": "me"}, data={"pass": "aGk="}), obj("v1", "Secret", "sec-tls", type="Opaque"),
    obj("v1", "ServiceAccount", "sa", imagePullSecrets=[{"name": "x"}]), obj("v1", "ServiceAccount", "sa-secrets", secrets=[{"name": "x"}], automountServiceAccountToken=False),
    obj("v1", "Pod", "pod", spec=POD), obj("v1", "Pod", "pod-small", spec=SMALL),
    obj("v1", "Pod", "pod-host", spec={"hostNetwork": True, "hostPID": False, "containers": [{"name": "c", "image": "a:1", "ports": [{"containerPort": 8080}], "resources": {"limits": {"cpu": 1, "memory": "1e9"}}}]}),
    obj("v1", "Service", "svc", spec={"selector": {"app": "x"}, "ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "https", "targetPort": "tls", "protocol": "TCP"}]}),
    obj("v1", "Service", "svc-headless", spec={"clusterIP": "None", "selector": {"app": "x"}}),
    obj("v1", "Service", "svc-lb", spec={"type": "LoadBalancer", "ports": [{"port": 80}], "sessionAffinity": "ClientIP"}),
    obj("v1", "Service", "svc-node", spec={"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080}]}),
    obj("v1", "Service", "svc-name", spec={"type": "ExternalName", "externalName": "example.com"}),
    obj("v1", "PersistentVolumeClaim", "pvc", spec=PVC),
    obj("v1", "PersistentVolume", "pv", spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}),
    obj("v1", "Namespace", "ns-a", metadata={"name": "ns-a", "labels": {"x": "y"}}), obj("v1", "Node", "node-a", spec={"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}),
    obj("v1", "LimitRange", "limits", spec={"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "0.5Gi"}}, {"type": "Pod", "max": {"cpu": "2"}}]}),
    obj("v1", "ResourceQuota", "quota", spec={"hard": {"pods": "10", "requests.cpu": "1000m"}}),
    obj("v1", "Endpoints", "eps", subsets=[{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]),
    obj("v1", "Event", "event", involvedObject={"kind": "Pod", "name": "x", "namespace": "default"}, reason="R", message="m", type="Normal"),
    obj("v1", "ReplicationController", "rc", spec={"selector": {"app": "x"}, "template": template(SMALL)}),
    obj("v1", "PodTemplate", "pt", template=template(SMALL)),
    obj("apps/v1", "Deployment", "deploy", spec={"replicas": 3, "selector": SELECTOR, "template": template(POD)}),
    obj("apps/v1", "Deployment", "deploy-small", spec={"selector": SELECTOR, "template": template(SMALL), "paused": False, "minReadySeconds": 0}),
    obj("apps/v1", "Deployment", "deploy-recreate", spec={"selector": SELECTOR, "template": template(SMALL), "strategy": {"type": "Recreate"}}),
    obj("apps/v1", "Deployment", "deploy-surge", spec={"selector": SELECTOR, "template": template(SMALL), "strategy": {"rollingUpdate": {"maxSurge": 1}}}),
    obj("apps/v1", "StatefulSet", "sts", spec={"serviceName": "x", "selector": SELECTOR, "template": template(SMALL), "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": PVC}]}),
    obj("apps/v1", "StatefulSet", "sts-delete", spec={"serviceName": "x", "selector": SELECTOR, "template": template(SMALL), "updateStrategy": {"type": "OnDelete"}, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}),
    obj("apps/v1", "DaemonSet", "ds", spec={"selector": SELECTOR, "template": template(POD)}), obj("apps/v1", "ReplicaSet", "rs", spec={"selector": SELECTOR, "template": template(SMALL)}),
    obj("apps/v1", "ControllerRevision", "rev", revision=1, data={"spec": {"a": [1, 2]}}),
    obj("batch/v1", "Job", "job", spec={"template": template(SMALL, "Never")}),
    obj("batch/v1", "Job", "job-par", spec={"parallelism": 2, "suspend": True, "backoffLimit": 0, "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}, "template": template(SMALL, "Never")}),
    obj("batch/v1", "CronJob", "cron", spec={"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template(SMALL, "OnFailure")}}}),
    obj("networking.k8s.io/v1", "Ingress", "ing", spec={"rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}], "tls": [{"hosts": ["a.example.com"], "secretName": "t"}]}),
    obj("networking.k8s.io/v1", "IngressClass", "nginx", spec={"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "apiGroup": "g.io"}}),
    obj("networking.k8s.io/v1", "NetworkPolicy", "np", spec={"podSelector": {}, "egress": [{"ports": [{"port": 53}], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}),
    obj("networking.k8s.io/v1", "NetworkPolicy", "np-deny", spec={"podSelector": {"matchLabels": {"a": "b"}}, "policyTypes": ["Ingress"]}),
    obj("policy/v1", "PodDisruptionBudget", "pdb", spec={"minAvailable": "50%", "selector": SELECTOR}),
    obj("autoscaling/v2", "HorizontalPodAutoscaler", "hpa", spec={"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}),
    obj("autoscaling/v2", "HorizontalPodAutoscaler", "hpa-behavior", spec={"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}, "metrics": [{"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1024Mi"}}}]}),
    obj("autoscaling/v1", "HorizontalPodAutoscaler", "hpa-one", spec={"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d"}, "targetCPUUtilizationPercentage": 50}),
    obj("rbac.authorization.k8s.io/v1", "Role", "role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
    obj("rbac.authorization.k8s.io/v1", "Role", "role-empty"), obj("rbac.authorization.k8s.io/v1", "Role", "role-none", rules=[]),
    obj("rbac.authorization.k8s.io/v1", "RoleBinding", "rb", roleRef={"kind": "Role", "name": "r"}, subjects=[{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]),
    obj("rbac.authorization.k8s.io/v1", "ClusterRole", "belay-cr", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, rules=None),
    obj("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "belay-crb", roleRef={"kind": "ClusterRole", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}, subjects=[{"kind": "Group", "name": "g"}]),
    obj("storage.k8s.io/v1", "StorageClass", "fast", provisioner="a.b/c", parameters={"x": "y"}), obj("storage.k8s.io/v1", "CSIDriver", "csi.example.com", spec={}),
    obj("scheduling.k8s.io/v1", "PriorityClass", "high", value=100), obj("coordination.k8s.io/v1", "Lease", "lease", spec={"holderIdentity": "a", "leaseDurationSeconds": 5, "renewTime": "2026-01-01T00:00:00.500000Z"}),
    obj("discovery.k8s.io/v1", "EndpointSlice", "slice", addressType="IPv4", endpoints=[{"addresses": ["1.2.3.4"]}], ports=[{"port": 80}]),
    obj("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "vwc", webhooks=[dict(HOOK, objectSelector={"matchLabels": {"never": "ever"}})]),
    obj("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mwc", webhooks=[dict(HOOK, objectSelector={"matchLabels": {"never": "ever"}})]),
    obj("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "vap", spec={"matchConstraints": {"resourceRules": [{"apiGroups": ["never"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}]}, "validations": [{"expression": "true"}]}),
    obj("node.k8s.io/v1", "RuntimeClass", "runc", handler="runc"),
    obj("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "plc", spec={"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}),
    obj("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "fs", spec={"priorityLevelConfiguration": {"name": "global-default"}}),
    obj("apiregistration.k8s.io/v1", "APIService", "v1.never.example.com", spec={"group": "never.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100, "service": {"name": "s", "namespace": "default"}}),
]

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
def struct(properties, **rest): return dict({"type": "object", "properties": properties}, **rest)
def array(items, **rest): return dict({"type": "array", "items": items}, **rest)
WIDGET = struct({
    "spec": struct({
        "text": dict(TEXT, default="hello", maxLength=20, pattern="^[a-z0-9-]*$"), "size": dict(NUMBER, minimum=1, maximum=100, default=3), "ratio": {"type": "number"}, "flag": {"type": "boolean"},
        "mode": dict(TEXT, enum=["Fast", "Slow"]), "port": {"x-kubernetes-int-or-string": True}, "note": dict(TEXT, nullable=True), "when": dict(TEXT, format="date-time"),
        "atomicList": array(TEXT, **{"x-kubernetes-list-type": "atomic"}), "plainList": array(TEXT), "set": array(TEXT, **{"x-kubernetes-list-type": "set"}), "numberSet": array(NUMBER, **{"x-kubernetes-list-type": "set"}),
        "map": array(struct({"name": TEXT, "value": TEXT, "level": dict(NUMBER, default=7)}, required=["name"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
        "pairs": array(struct({"port": NUMBER, "protocol": dict(TEXT, default="TCP"), "name": TEXT}, required=["port"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]}),
        "atomicObject": struct({"a": TEXT, "b": TEXT}, **{"x-kubernetes-map-type": "atomic"}), "granular": struct({"a": TEXT, "b": struct({"c": TEXT, "d": NUMBER})}, **{"x-kubernetes-map-type": "granular"}),
        "labels": {"type": "object", "additionalProperties": TEXT}, "atomicLabels": {"type": "object", "additionalProperties": TEXT, "x-kubernetes-map-type": "atomic"},
        "nested": {"type": "object", "additionalProperties": array(struct({"key": TEXT, "items": array(TEXT, **{"x-kubernetes-list-type": "set"})}, required=["key"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]})},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "half": struct({"known": struct({"x": TEXT})}, **{"x-kubernetes-preserve-unknown-fields": True}),
        "anything": {"x-kubernetes-preserve-unknown-fields": True}, "template": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        "inner": struct({"a": dict(TEXT, default="x"), "b": NUMBER}, default={}),
    }, required=["text"]),
    "status": struct({"phase": TEXT, "count": NUMBER, "conditions": array(struct({"type": TEXT, "status": TEXT}, required=["type"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})}),
})
CRD = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.schema.belay.example", spec={
    "group": "schema.belay.example", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": WIDGET}, "subresources": {"status": {}}}]})
def widget(name, spec=None, **rest): return obj("schema.belay.example/v1", "Widget", name, **dict({"spec": spec if spec is not None else {}}, **rest))
FULL = {"text": "abc", "size": 5, "ratio": 1.5, "flag": True, "mode": "Fast", "port": "http", "atomicList": ["a", "b"], "plainList": ["a", "a"], "set": ["x", "y"], "numberSet": [3, 1],
        "map": [{"name": "a", "value": "1"}, {"name": "b", "value": "2", "level": 1}], "pairs": [{"port": 80, "name": "h"}, {"port": 80, "protocol": "UDP"}], "atomicObject": {"a": "1", "b": "2"},
        "granular": {"a": "1", "b": {"c": "x", "d": 2}}, "labels": {"k": "v", "l": "w"}, "atomicLabels": {"k": "v"}, "nested": {"one": [{"key": "k", "items": ["i", "j"]}]},
        "open": {"a": {"b": [1, {"c": None}]}, "z": 1}, "half": {"known": {"x": "1"}, "other": {"y": [1]}}, "anything": [1, "two", {"three": 3}], "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t"}, "data": {"a": "b"}}}
CRD_SAMPLES = [widget("full", FULL), widget("empty", {}), widget("unknown", {"text": "a", "extra": 1, "half": {"known": {"x": "1", "gone": 2}}, "granular": {"zzz": 1}}),
               widget("status", {"text": "a"}, status={"phase": "x"}), widget("nulls", {"text": None, "size": None, "note": None, "labels": {"a": "b"}, "inner": None})]

def d(name): return obj("apps/v1", "Deployment", name)
def deployment(name, **spec):
    base = {"replicas": 2, "selector": SELECTOR, "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "app", "image": "nginx:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}]}}}
    base.update(spec)
    return obj("apps/v1", "Deployment", name, spec=base)
def A(manager, body, **rest): return dict({"verb": "apply", "manager": manager, "body": body}, **rest)
def C(body, manager="creator", **rest): return dict({"verb": "create", "manager": manager, "body": body}, **rest)
def P(verb, body, manager="patcher", **rest): return dict({"verb": verb, "manager": manager, "body": body}, **rest)
def only(name, spec, version="apps/v1", kind="Deployment"): return obj(version, kind, name, spec=spec)
def containers(*items): return {"template": {"spec": {"containers": list(items)}}}
def cm(name, data=None, **meta):
    out = obj("v1", "ConfigMap", name); out["metadata"].update(meta)
    if data is not None: out["data"] = data
    return out
def svc(name, ports, **spec): return obj("v1", "Service", name, spec=dict({"selector": {"app": "x"}, "ports": ports}, **spec))
LAST = "kubectl.kubernetes.io/last-applied-configuration"
import json as _json
def with_last(body):
    out = copy.deepcopy(body); out["metadata"].setdefault("annotations", {})[LAST] = _json.dumps(body) + "\n"; return out

FIXED = []
def case(name, sample, *steps): FIXED.append((name, sample, list(steps)))

base = deployment("case")
case("ssa-create", base, A("one", base))
case("ssa-create-twice", base, A("one", base), A("one", base))
case("ssa-two-managers", base, A("one", base), A("two", only("case", {"minReadySeconds": 5})))
case("ssa-shared-value", base, A("one", base), A("two", only("case", {"replicas": 2})))
case("ssa-conflict", base, A("one", base), A("two", only("case", {"replicas": 5})))
case("ssa-conflict-two-fields", base, A("one", base), A("two", only("case", dict(containers({"name": "app", "image": "other:2"}), replicas=5))))
case("ssa-force", base, A("one", base), A("two", only("case", {"replicas": 5}), force=True))
case("ssa-force-then-reclaim", base, A("one", base), A("two", only("case", {"replicas": 5}), force=True), A("one", base), A("one", base, force=True))
case("ssa-remove-field", base, A("one", deployment("case", minReadySeconds=7)), A("one", base))
case("ssa-remove-shared-field", base, A("one", base), A("two", only("case", {"replicas": 2})), A("one", {k: v for k, v in deployment("case").items()} | {"spec": {k: v for k, v in base["spec"].items() if k != "replicas"}}))
case("ssa-remove-defaulted", base, A("one", base), A("one", base | {"spec": {k: v for k, v in base["spec"].items() if k != "replicas"}}))
case("ssa-add-container", base, A("one", base), A("two", only("case", containers({"name": "side", "image": "side:1"}))))
case("ssa-remove-container", base, A("one", base), A("two", only("case", containers({"name": "side", "image": "side:1"}))), A("two", only("case", {})))
case("ssa-env", base, A("one", base), A("two", only("case", containers({"name": "app", "env": [{"name": "B", "value": "2"}]}))), A("two", only("case", containers({"name": "app", "env": [{"name": "C", "value": "3"}]}))))
case("ssa-env-conflict", base, A("one", base), A("two", only("case", containers({"name": "app", "env": [{"name": "A", "value": "9"}]}))))
case("ssa-ports-default-key", base, A("one", base), A("two", only("case", containers({"name": "app", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]}))))
case("ssa-over-update", base, C(base, "kubectl-client-side-apply"), A("one", deployment("case", replicas=3)))
case("ssa-over-update-same", base, C(base), A("one", base))
case("ssa-over-update-force", base, C(base), A("one", deployment("case", replicas=3), force=True))
case("ssa-kubectl-csa", base, C(with_last(base), "kubectl-client-side-apply"), A("kubectl", deployment("case", replicas=3)))
case("ssa-kubectl-csa-edited", base, C(with_last(base), "kubectl-client-side-apply"), P("merge", {"spec": {"replicas": 9}}), A("kubectl", deployment("case", replicas=3)))
case("ssa-kubectl-keeps-annotation", base, C(with_last(base), "kubectl-client-side-apply"), A("kubectl", deployment("case", replicas=3), force=True), A("kubectl", deployment("case", replicas=4)))
case("ssa-then-update", base, A("one", base), {"verb": "update", "manager": "edit", "body": deployment("case", replicas=9)})
case("ssa-then-merge", base, A("one", base), P("merge", {"spec": {"replicas": 4, "paused": True}}))
case("ssa-then-merge-remove", base, A("one", deployment("case", minReadySeconds=3)), P("merge", {"spec": {"minReadySeconds": None}}))
case("ssa-then-strategic", base, A("one", base), P("strategic", {"spec": containers({"name": "app", "image": "nginx:2"})}))
case("ssa-wrong-version", base, A("one", dict(base, apiVersion="apps/v2")))
case("ssa-with-managed-fields", base, A("one", dict(base, metadata={"name": "case", "managedFields": [{"manager": "x", "operation": "Apply", "apiVersion": "v1"}]})))
case("ssa-unknown-field", base, A("one", deployment("case", foo=1)))
case("ssa-wrong-type", base, A("one", deployment("case", replicas="many")))
case("ssa-duplicate-item", base, A("one", deployment("case", **containers({"name": "a", "image": "x"}, {"name": "a", "image": "y"}))))
case("ssa-labels", cm("case"), A("one", cm("case", {"a": "1"}, labels={"x": "1", "y": "2"})), A("two", cm("case", None, labels={"z": "3"})), A("one", cm("case", {"a": "1"}, labels={"x": "1"})))
case("ssa-annotations-force", cm("case"), A("one", cm("case", {}, annotations={"x": "1"})), A("two", cm("case", None, annotations={"x": "2"}), force=True), A("one", cm("case")))
case("ssa-empty-map", cm("case"), A("one", cm("case", {})), A("one", cm("case", {"a": "1"})), A("one", cm("case", {})))
case("ssa-null-value", cm("case"), A("one", cm("case", {"a": None})))
case("ssa-data-shrinks", cm("case"), A("one", cm("case", {"a": "1", "b": "2", "c": "3"})), A("one", cm("case", {"b": "2"})), A("one", cm("case")))
case("ssa-three-managers", cm("case"), A("one", cm("case", {"a": "1"})), A("two", cm("case", {"b": "2"})), A("three", cm("case", {"a": "1", "b": "2"})), A("one", cm("case")), A("three", cm("case")))
case("ssa-finalizers", cm("case"), A("one", cm("case", None, finalizers=["a.io/x"])), A("two", cm("case", None, finalizers=["b.io/y"])), A("one", cm("case")), A("two", cm("case")))
case("ssa-owner-references", cm("case"), A("one", cm("case", None, ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"}])), A("two", cm("case", None, ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "q", "uid": "u2"}])))
case("ssa-service-ports", svc("case", []), A("one", svc("case", [{"port": 80, "name": "http"}])), A("two", svc("case", [{"port": 443, "name": "https"}])), A("one", svc("case", [{"port": 81, "name": "http"}])))
case("ssa-service-port-protocol", svc("case", []), A("one", svc("case", [{"port": 53, "name": "udp", "protocol": "UDP"}, {"port": 53, "name": "tcp"}])), A("one", svc("case", [{"port": 53, "name": "tcp"}])))
case("ssa-service-type", svc("case", []), A("one", svc("case", [{"port": 80}])), A("one", svc("case", [{"port": 80}], type="NodePort")))
case("ssa-ingress-rules", obj("networking.k8s.io/v1", "Ingress", "case"), A("one", next(s for s in SAMPLES if s["metadata"]["name"] == "ing") | {"metadata": {"name": "case"}}), A("two", obj("networking.k8s.io/v1", "Ingress", "case", spec={"ingressClassName": "x"})))
case("ssa-role-rules", obj("rbac.authorization.k8s.io/v1", "Role", "case"), A("one", obj("rbac.authorization.k8s.io/v1", "Role", "case", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])), A("two", obj("rbac.authorization.k8s.io/v1", "Role", "case", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}])), A("two", obj("rbac.authorization.k8s.io/v1", "Role", "case", rules=[]), force=True))
case("ssa-selector-atomic", base, A("one", base), A("two", only("case", {"selector": {"matchLabels": {"more": "x"}}})))
case("ssa-status-ignored", base, A("one", dict(base, status={"replicas": 3})), A("ctrl", obj("apps/v1", "Deployment", "case", status={"replicas": 2, "conditions": [{"type": "Available", "status": "True"}]}), subresource="status"))
case("ssa-status-conflict", base, A("one", base), A("c1", obj("apps/v1", "Deployment", "case", status={"replicas": 2}), subresource="status"), A("c2", obj("apps/v1", "Deployment", "case", status={"replicas": 3}), subresource="status"), P("merge", {"status": {"observedGeneration": 1}}, subresource="status"))
case("ssa-quantity", base, A("one", deployment("case", **containers({"name": "app", "image": "x", "resources": {"limits": {"cpu": "0.5"}}}))), A("one", deployment("case", **containers({"name": "app", "image": "x", "resources": {"limits": {"cpu": "500m"}}}))), A("two", only("case", containers({"name": "app", "resources": {"limits": {"cpu": "500m"}}}))))
case("ssa-volumes", base, A("one", deployment("case", template={"metadata": {"labels": {"app": "x"}}, "spec": dict(SMALL, volumes=[{"name": "v", "emptyDir": {}}])})), A("two", only("case", {"template": {"spec": {"volumes": [{"name": "w", "configMap": {"name": "c"}}]}}})), A("two", only("case", {"template": {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}}), force=True))
case("ssa-tolerations", base, A("one", deployment("case", template={"metadata": {"labels": {"app": "x"}}, "spec": dict(SMALL, tolerations=[{"key": "a", "operator": "Exists"}])})), A("two", only("case", {"template": {"spec": {"tolerations": [{"key": "b", "operator": "Exists"}]}}})))
case("ssa-strategy", base, A("one", deployment("case", strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})), A("one", deployment("case", strategy={"type": "Recreate", "rollingUpdate": None})))
case("ssa-secret", obj("v1", "Secret", "case"), A("one", obj("v1", "Secret", "case", stringData={"a": "x"})), A("one", obj("v1", "Secret", "case", data={"b": "eA=="})))
case("ssa-reorder-containers", base, A("one", deployment("case", **{"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}]}}})), A("one", deployment("case", **{"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "3"}, {"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}})))
case("ssa-interleave-containers", base, A("one", deployment("case", **{"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}})), A("two", only("case", containers({"name": "b"}, {"name": "z", "image": "9"}, {"name": "a"}))))

w = widget("case", {"text": "abc"})
def W(spec, **rest): return widget("case", spec, **rest)
case("crd-ssa-full", w, A("one", W(FULL)), A("one", W({"text": "abc"})))
case("crd-ssa-set", w, A("one", W({"text": "a", "set": ["x", "y"]})), A("two", W({"set": ["y", "z"]})), A("one", W({"text": "a", "set": ["x"]})), A("two", W({})))
case("crd-ssa-number-set", w, A("one", W({"text": "a", "numberSet": [1, 2]})), A("two", W({"numberSet": [2, 3]})), A("one", W({"text": "a"})))
case("crd-ssa-map", w, A("one", W({"text": "a", "map": [{"name": "a", "value": "1"}]})), A("two", W({"map": [{"name": "b", "value": "2"}, {"name": "a", "level": 7}]})), A("two", W({"map": [{"name": "a", "value": "2"}]})), A("one", W({"text": "a"})))
case("crd-ssa-pairs", w, A("one", W({"text": "a", "pairs": [{"port": 80}, {"port": 80, "protocol": "UDP"}]})), A("two", W({"pairs": [{"port": 80, "protocol": "TCP", "name": "x"}]})), A("one", W({"text": "a", "pairs": [{"port": 80, "protocol": "UDP"}]})))
case("crd-ssa-pairs-missing-key", w, A("one", W({"text": "a", "pairs": [{"name": "x"}]})))
case("crd-ssa-map-missing-key", w, A("one", W({"text": "a", "map": [{"value": "x"}]})))
case("crd-ssa-atomic-list", w, A("one", W({"text": "a", "atomicList": ["a"]})), A("two", W({"atomicList": ["a", "b"]})), A("two", W({"atomicList": ["a", "b"]}), force=True), A("one", W({"text": "a"})))
case("crd-ssa-atomic-object", w, A("one", W({"text": "a", "atomicObject": {"a": "1"}})), A("two", W({"atomicObject": {"b": "1"}}), force=True))
case("crd-ssa-granular", w, A("one", W({"text": "a", "granular": {"a": "1", "b": {"c": "1"}}})), A("two", W({"granular": {"b": {"d": 2}}})), A("one", W({"text": "a"})), A("two", W({})))
case("crd-ssa-labels", w, A("one", W({"text": "a", "labels": {"a": "1"}})), A("two", W({"labels": {"b": "1", "a": "1"}})), A("one", W({"text": "a"})), A("two", W({"labels": {}})))
case("crd-ssa-atomic-labels", w, A("one", W({"text": "a", "atomicLabels": {"a": "1"}})), A("two", W({"atomicLabels": {"b": "1"}})))
case("crd-ssa-nested", w, A("one", W({"text": "a", "nested": {"x": [{"key": "k", "items": ["1"]}]}})), A("two", W({"nested": {"x": [{"key": "k", "items": ["2"]}, {"key": "l"}]}})), A("one", W({"text": "a", "nested": {"x": []}})))
case("crd-ssa-open", w, A("one", W({"text": "a", "open": {"a": {"b": [1]}, "c": 1}})), A("two", W({"open": {"a": {"d": 1}}})), A("two", W({"open": {"a": {"b": [2]}}})), A("one", W({"text": "a"})))
case("crd-ssa-anything", w, A("one", W({"text": "a", "anything": {"a": 1}})), A("two", W({"anything": {"b": 2}})), A("two", W({"anything": [1]}), force=True), A("two", W({"anything": "text"}), force=True))
case("crd-ssa-half", w, A("one", W({"text": "a", "half": {"known": {"x": "1"}, "other": {"y": 1}}})), A("two", W({"half": {"other": {"z": 1}}})))
case("crd-ssa-template", w, A("one", W({"text": "a", "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"a": "b"}}, "data": {"a": "b"}}})), A("two", W({"template": {"metadata": {"labels": {"c": "d"}}}})))
case("crd-ssa-default", w, A("one", W({"text": "a"})), A("two", W({"size": 3})), A("two", W({"size": 4})), A("one", W({"text": "a", "size": 3}), force=True), A("one", W({"text": "a"})))
case("crd-ssa-unknown", w, A("one", W({"text": "a", "extra": 1})))
case("crd-ssa-null", w, A("one", W({"text": "a", "note": None, "labels": None})), A("one", W({"text": "a"})))
case("crd-ssa-wrong-type", w, A("one", W({"text": 5})))
case("crd-ssa-wrong-list", w, A("one", W({"text": "a", "set": "x"})))
case("crd-ssa-set-duplicates", w, A("one", W({"text": "a", "set": ["x", "x"]})))
case("crd-ssa-set-of-maps", w, A("one", W({"text": "a", "set": [{"x": 1}]})))
case("crd-update-duplicates", w, C(W({"text": "a", "map": [{"name": "a"}, {"name": "b"}]})), A("one", W({"map": [{"name": "c"}]})))
case("crd-int-or-string", w, A("one", W({"text": "a", "port": 80})), A("two", W({"port": "http"})), A("two", W({"port": "http"}), force=True))
case("crd-status", w, A("one", W({"text": "a"})), A("ctrl", widget("case", status={"phase": "Ready", "conditions": [{"type": "A", "status": "True"}]}) | {}, subresource="status"), P("merge", {"status": {"count": 1}, "spec": {"text": "zzz"}}, subresource="status"), A("one", W({"text": "b"}, status={"phase": "Never"})))
case("crd-status-update", w, C(W({"text": "a"})), {"verb": "merge", "manager": "ctrl", "subresource": "status", "body": {"status": {"phase": "x", "count": 0}}}, P("merge", {"status": {"phase": "y"}}), P("merge", {"status": {"phase": None}}, "ctrl", subresource="status"))
case("crd-merge", w, C(W(FULL)), P("merge", {"spec": {"labels": {"k": None, "n": "m"}, "atomicList": ["z"], "size": None, "open": {"a": None}}}))
case("crd-json", w, C(W(FULL)), P("json", [{"op": "add", "path": "/spec/set/-", "value": "z"}, {"op": "remove", "path": "/spec/labels/k"}, {"op": "replace", "path": "/spec/size", "value": 9}, {"op": "test", "path": "/spec/text", "value": "abc"}, {"op": "copy", "from": "/spec/text", "path": "/spec/note"}, {"op": "move", "from": "/spec/flag", "path": "/spec/labels/flag"}]))
case("crd-json-moves", w, C(W(FULL)), P("json", [{"op": "copy", "from": "/spec/text", "path": "/spec/note"}, {"op": "move", "from": "/spec/map/0", "path": "/spec/map/1"}]))
case("crd-json-test-fails", w, C(W(FULL)), P("json", [{"op": "test", "path": "/spec/text", "value": "zzz"}]))
case("crd-json-missing", w, C(W(FULL)), P("json", [{"op": "remove", "path": "/spec/nothing"}]), P("json", [{"op": "replace", "path": "/spec/nothing", "value": 1}]), P("json", [{"op": "add", "path": "/no/where", "value": 1}]), P("json", [{"op": "add", "path": "/spec/set/9", "value": "x"}]), P("json", [{"op": "weird", "path": "/spec"}]))
case("crd-strategic", w, C(W({"text": "a"})), P("strategic", {"spec": {"text": "b"}}))
for name, spec in [("type", {"text": 5}), ("length", {"text": "a" * 30}), ("pattern", {"text": "ABC"}), ("minimum", {"text": "a", "size": 0}), ("maximum", {"text": "a", "size": 101}), ("enum", {"text": "a", "mode": "Middle"}),
                   ("format", {"text": "a", "when": "yesterday"}), ("object", {"text": "a", "granular": "x"}), ("list", {"text": "a", "atomicList": {"a": "b"}}), ("item", {"text": "a", "atomicList": ["x", 5]}),
                   ("null", {"text": "a", "flag": None, "atomicList": None}), ("int-or-string", {"text": "a", "port": 1.5}), ("set-duplicate", {"text": "a", "set": ["x", "x"]}), ("map-duplicate", {"text": "a", "map": [{"name": "n"}, {"name": "n"}]}),
                   ("map-required", {"text": "a", "map": [{"value": "n"}]}), ("number", {"text": "a", "ratio": "x", "size": 1.5}), ("several", {"text": 1, "size": "x", "mode": "Q"}), ("embedded", {"text": "a", "template": {"x": 1}}), ("labels-value", {"text": "a", "labels": {"a": 1}})]:
    case("crd-invalid-" + name, w, C(W(spec)))
case("lease-micro-time", obj("coordination.k8s.io/v1", "Lease", "case"), C(obj("coordination.k8s.io/v1", "Lease", "case", spec={"renewTime": "2026-01-01T00:00:00.5Z"})), A("one", obj("coordination.k8s.io/v1", "Lease", "case", spec={"renewTime": "2026-01-01T00:00:00.5Z"})))
case("crd-invalid-spec", w, C(dict(w, spec="x")))
case("crd-strict", w, C(W({"text": "a", "extra": 1, "granular": {"q": 1}, "map": [{"name": "a", "more": 1}]}), strict=True), C(dict(W({"text": "a"}), metadata={"name": "case", "weird": 1}), strict=True))
case("strict", base, C(deployment("case", foo=1, template={"metadata": {"labels": {"app": "x"}}, "spec": dict(SMALL, bar=2)}), strict=True), C(dict(base, zzz=1), strict=True))
case("decode-errors", base, C(deployment("case", replicas="x")), C(deployment("case", template={"spec": {"containers": "x"}})), C(deployment("case", paused="yes")), C(dict(base, metadata={"name": "case", "labels": {"a": 1}})), C(deployment("case", **containers({"name": "a", "image": "x", "resources": {"limits": {"cpu": "lots"}}}))), C(dict(base, spec=[])))

case("update-create", base, C(base, "kubectl-create"))
case("update-same", base, C(base), {"verb": "update", "manager": "edit", "body": base})
case("update-change", base, C(base), {"verb": "update", "manager": "edit", "body": deployment("case", replicas=9)})
case("update-same-manager", base, C(base, "edit"), {"verb": "update", "manager": "edit", "body": deployment("case", replicas=9, minReadySeconds=1)})
case("update-removes", cm("case"), C(cm("case", {"a": "1", "b": "2"})), {"verb": "update", "manager": "edit", "body": cm("case", {"b": "3"})}, {"verb": "update", "manager": "third", "body": cm("case")})
case("update-reset-managed-fields", cm("case"), C(cm("case", {"a": "1"})), {"verb": "update", "manager": "edit", "body": cm("case", {"a": "2"}, managedFields=[{}])}, {"verb": "update", "manager": "edit", "body": cm("case", {"a": "3"})}, A("one", cm("case", {"a": "3"})))
case("update-own-managed-fields", cm("case"), C(cm("case", {"a": "1"})), {"verb": "update", "manager": "edit", "body": cm("case", {"a": "1"}, managedFields=[{"manager": "moved", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}])})
case("update-bad-managed-fields", cm("case"), C(cm("case", {"a": "1"})), P("merge", {"metadata": {"managedFields": [{"manager": "x", "operation": "Nope", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}]}}))
case("update-status", base, C(base), {"verb": "merge", "manager": "ctrl", "subresource": "status", "body": {"status": {"replicas": 2, "observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]}}}, P("merge", {"status": {"replicas": 5}, "spec": {"replicas": 3}}))
case("update-many-managers", cm("case"), C(cm("case", {"k": "0"})), *[P("merge", {"data": {"k%d" % i: "v"}}, "m%02d" % i) for i in range(13)])
case("update-steals-from-applier", cm("case"), A("one", cm("case", {"a": "1", "b": "2"})), P("merge", {"data": {"a": "9"}}, "thief"), A("one", cm("case", {"a": "1", "b": "2"})), A("one", cm("case", {"a": "1", "b": "2"}), force=True))
case("update-pod-template-list", base, C(deployment("case", **{"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}})), P("json", [{"op": "remove", "path": "/spec/template/spec/containers/0"}]))
case("update-no-manager", cm("case"), C(cm("case", {"a": "1"})), P("merge", {"data": {"z": "1"}}, "m"))

def S(name, *patches, start=None):
    case("smp-" + name, base, C(start or base), *[P("strategic", p) for p in patches])
many = deployment("case", template={"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "1", "args": ["x", "y"]}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}], "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "c"}}],
                  "tolerations": [{"key": "a", "operator": "Exists"}], "imagePullSecrets": [{"name": "p"}], "hostAliases": [{"ip": "1.1.1.1", "hostnames": ["a"]}]}})
def T(**spec): return {"spec": {"template": {"spec": spec}}}
S("scalar", {"spec": {"replicas": 7}})
S("null", {"spec": {"replicas": None}})
S("container-image", T(containers=[{"name": "b", "image": "9"}]), start=many)
S("container-add", T(containers=[{"name": "d", "image": "4"}]), start=many)
S("container-delete", T(containers=[{"name": "b", "$patch": "delete"}]), start=many)
S("container-replace-list", T(containers=[{"name": "z", "image": "9"}, {"$patch": "replace"}]), start=many)
S("container-order", T(**{"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}), start=many)
S("container-order-and-change", T(**{"$setElementOrder/containers": [{"name": "d"}, {"name": "c"}, {"name": "a"}], "containers": [{"name": "d", "image": "4"}, {"name": "a", "image": "9"}]}), start=many)
S("container-no-key", T(containers=[{"image": "9"}]), start=many)
S("args-replace", T(containers=[{"name": "a", "args": ["z"]}]), start=many)
S("env-merge", T(containers=[{"name": "app", "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "5"}]}]))
S("env-delete", T(containers=[{"name": "app", "env": [{"name": "A", "$patch": "delete"}]}]))
S("ports", T(containers=[{"name": "app", "ports": [{"containerPort": 81}, {"containerPort": 80, "name": "web"}]}]))
S("volume-retain-keys", T(volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]), start=many)
S("volume-merge-two-sources", T(volumes=[{"name": "w", "emptyDir": {}, "configMap": None}]), start=many)
S("tolerations-replace", T(tolerations=[{"key": "b", "operator": "Exists"}]), start=many)
S("pull-secrets", T(imagePullSecrets=[{"name": "q"}]), start=many)
S("host-aliases", T(hostAliases=[{"ip": "2.2.2.2", "hostnames": ["b"]}, {"ip": "1.1.1.1", "hostnames": ["c"]}]), start=many)
S("strategy-retain", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})
S("strategy-bad-retain", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}})
S("map-replace", {"metadata": {"labels": {"$patch": "replace", "z": "1"}}}, start=dict(base, metadata={"name": "case", "labels": {"a": "b"}}))
S("map-delete", {"metadata": {"annotations": {"$patch": "delete"}}}, start=dict(base, metadata={"name": "case", "annotations": {"a": "b"}}))
S("labels", {"metadata": {"labels": {"a": None, "c": "d"}}}, start=dict(base, metadata={"name": "case", "labels": {"a": "b"}}))
S("new-nulls", {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": None, "podAffinity": {}}, "securityContext": {"runAsUser": 5, "fsGroup": None}}}}})
S("unknown-directive", T(containers=[{"name": "app", "$patch": "weird"}]))
S("finalizers", {"metadata": {"finalizers": ["b.io/y"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.io/x"]}}, {"metadata": {"$setElementOrder/finalizers": ["c.io/z", "b.io/y"], "finalizers": ["c.io/z"]}}, {"metadata": {"finalizers": None}}, start=dict(base, metadata={"name": "case", "finalizers": ["a.io/x"]}))
case("smp-service", svc("case", []), C(svc("case", [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}])), P("strategic", {"spec": {"ports": [{"port": 81, "targetPort": 9}, {"port": 82, "name": "c"}]}}), P("strategic", {"spec": {"ports": [{"port": 80, "$patch": "delete"}]}}), P("strategic", {"spec": {"selector": {"$patch": "replace", "q": "r"}}}))
case("smp-configmap", cm("case"), C(cm("case", {"a": "1"})), P("strategic", {"data": {"b": "2", "a": None}}), P("strategic", {"data": None}), P("strategic", {"binaryData": {"x": "AA=="}}))
case("smp-service-account", obj("v1", "ServiceAccount", "case"), C(obj("v1", "ServiceAccount", "case", secrets=[{"name": "a"}])), P("strategic", {"secrets": [{"name": "b"}], "imagePullSecrets": [{"name": "c"}]}))
case("merge-service", svc("case", []), C(svc("case", [{"port": 80}])), P("merge", {"spec": {"ports": [{"port": 81}]}}), P("merge", {"spec": {"selector": None}, "metadata": {"annotations": {"x": "y"}}}))
case("json-deployment", base, C(base), P("json", [{"op": "replace", "path": "/spec/replicas", "value": 4}, {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}, {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "z", "image": "z"}}]), P("json", {"op": "x"}))

# ---- definitions that are refused, and rules ----------------------------------------------------------------------
def bad_crd(schema, **spec):
    base = {"group": "bad.belay.example", "scope": "Namespaced", "names": {"plural": "bads", "kind": "Bad"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}
    base.update(spec)
    return obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "bads.bad.belay.example", spec=base)
def in_spec(field): return struct({"spec": struct({"x": field})})
BAD_CRDS = {
    "no-type": bad_crd(in_spec({})), "root-not-object": bad_crd({"type": "string"}), "no-root-type": bad_crd({"properties": {"spec": {"type": "object"}}}),
    "array-without-items": bad_crd(in_spec({"type": "array"})), "map-without-keys": bad_crd(in_spec(array(struct({"a": TEXT}), **{"x-kubernetes-list-type": "map"}))),
    "keys-without-map": bad_crd(in_spec(array(struct({"a": TEXT}, required=["a"]), **{"x-kubernetes-list-map-keys": ["a"]}))),
    "unknown-key": bad_crd(in_spec(array(struct({"a": TEXT}), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["b"]}))),
    "optional-key": bad_crd(in_spec(array(struct({"a": TEXT}), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}))),
    "list-type-on-object": bad_crd(in_spec(struct({}, **{"x-kubernetes-list-type": "set"}))), "bad-list-type": bad_crd(in_spec(array(TEXT, **{"x-kubernetes-list-type": "bag"}))),
    "bad-map-type": bad_crd(in_spec(struct({}, **{"x-kubernetes-map-type": "loose"}))), "set-of-objects": bad_crd(in_spec(array(struct({"a": TEXT}), **{"x-kubernetes-list-type": "set"}))),
    "additional-and-properties": bad_crd(in_spec(dict(struct({"a": TEXT}), additionalProperties=TEXT))), "type-in-any-of": bad_crd(in_spec(dict(TEXT, anyOf=[{"type": "string"}]))),
    "preserve-in-any-of": bad_crd(in_spec(dict(struct({}), anyOf=[{"x-kubernetes-preserve-unknown-fields": True}]))), "default-type": bad_crd(in_spec(dict(NUMBER, default="x"))),
    "unique-items": bad_crd(in_spec(array(TEXT, uniqueItems=True))), "embedded-without-type": bad_crd(in_spec({"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True})),
    "no-schema": obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "bads.bad.belay.example", spec={"group": "bad.belay.example", "scope": "Namespaced", "names": {"plural": "bads", "kind": "Bad"}, "versions": [{"name": "v1", "served": True, "storage": True}]}),
    "two-storage": bad_crd(struct({}), versions=[{"name": v, "served": True, "storage": True, "schema": {"openAPIV3Schema": struct({})}} for v in ("v1", "v2")]),
    "no-storage": bad_crd(struct({}), versions=[{"name": "v1", "served": True, "storage": False, "schema": {"openAPIV3Schema": struct({})}}]),
    "wrong-name": bad_crd(struct({}), names={"plural": "others", "kind": "Bad"}), "bad-scope": bad_crd(struct({}), scope="Global"), "bad-rule": bad_crd(in_spec(dict(NUMBER, **{"x-kubernetes-validations": [{"rule": "self >"}]}))),
    "metadata-property": bad_crd(struct({"metadata": struct({"labels": {"type": "object"}})})), "pattern": bad_crd(in_spec(dict(TEXT, pattern="("))),
}
def rule(text, **rest): return dict({"rule": text}, **rest)
RULED = struct({"spec": struct({
    "min": NUMBER, "max": dict(NUMBER, **{"x-kubernetes-validations": [rule("self < 100", message="max is below 100")]}),
    "fixed": dict(TEXT, **{"x-kubernetes-validations": [rule("self == oldSelf", message="fixed cannot change")]}),
    "name": dict(TEXT, maxLength=20, **{"x-kubernetes-validations": [rule("self.startsWith('a')")]}), "list": array(dict(TEXT, maxLength=9), maxItems=5, **{"x-kubernetes-validations": [rule("self.all(x, x.size() < 4)", message="short items")]}),
    "items": array(struct({"key": dict(TEXT, maxLength=9), "value": dict(NUMBER, **{"x-kubernetes-validations": [rule("self >= oldSelf", message="value only grows")]})}, required=["key"]), maxItems=5, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]}),
    "once": dict(TEXT, maxLength=9, **{"x-kubernetes-validations": [rule("oldSelf.hasValue() || self == 'first'", optionalOldSelf=True, message="starts as first")]}),
}, **{"x-kubernetes-validations": [rule("!has(self.min) || !has(self.max) || self.min <= self.max", messageExpression="self.min > 9 ? 'min is far above max' : 'min is above max'", fieldPath=".min"),
    rule("!has(self.name) || self.name != 'abad'", reason="FieldValueForbidden", message="abad is taken")]})})
RULED_CRD = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "ruleds.schema.belay.example", spec={"group": "schema.belay.example", "scope": "Namespaced", "names": {"plural": "ruleds", "kind": "Ruled"}, "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": RULED}}]})
def ruled(spec): return obj("schema.belay.example/v1", "Ruled", "case", spec=spec)
def R(name, *specs): RULED_CASES.append(("cel-" + name, ruled({}), [C(ruled(specs[0]))] + [P("merge", {"spec": s}) for s in specs[1:]]))
RULED_CASES = []
R("min-max", {"min": 5, "max": 3}); R("limit", {"max": 100}); R("several", {"min": 500, "max": 200, "name": "b"}); R("name", {"name": "bcd"}); R("forbidden", {"name": "abad"}); R("list", {"list": ["abcd"]}); R("valid", {"min": 1, "max": 2, "name": "abc", "list": ["a"]})
R("transition", {"fixed": "a"}, {"fixed": "b"}, {"fixed": "a"}); R("transition-items", {"items": [{"key": "a", "value": 5}, {"key": "b", "value": 1}]}, {"items": [{"key": "b", "value": 0}, {"key": "a", "value": 6}]}, {"items": [{"key": "c", "value": 0}]}); R("optional-old", {"once": "second"}); R("optional-old-later", {"once": "first"}, {"once": "second"}); R("schema-first", {"name": 5, "max": 100})
