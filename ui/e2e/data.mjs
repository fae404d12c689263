// What the browser looks at beside the tour's own apps: a store of Argo CD's family that leaves drift
// alone, two of Flux's family, and a Secret whose value must never be seen.

import { until } from "./demo.mjs";

/** Values of Secrets, in Git and in the cluster; no answer and no page may hold them in any spelling. */
export const CANARIES = ["canary-in-git-7f3a", "canary-in-cluster-91bc", "canary-in-url-55d0"];

export const STORE = "app/argocd/store";
export const FLUX_STORE = "ks/flux-system/flux-store";
export const HELM_STORE = "hr/flux-system/helm-store";

const APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
const DEPLOYMENT = "/apis/apps/v1/namespaces/store/deployments/web";

const deployment = (image, replicas = 2) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com/store:${image}
`;

const service = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
`;

const secret = `apiVersion: v1
kind: Secret
metadata:
  name: payment
stringData:
  key: ${CANARIES[0]}
`;

function files(folder, image) {
  return {
    [`${folder}/deployment.yaml`]: deployment(image),
    [`${folder}/service.yaml`]: service,
    [`${folder}/secret.yaml`]: secret,
  };
}

const chart = {
  "e2e/chart/Chart.yaml": "apiVersion: v2\nname: store\nversion: 1.2.3\n",
  "e2e/chart/values.yaml": "replicas: 1\n",
  "e2e/chart/templates/deployment.yaml": deployment("1.0.0").replace("replicas: 2", "replicas: {{ .Values.replicas }}"),
  "e2e/chart/templates/secret.yaml": secret,
};

/** Puts the stores into Git and the cluster, and waits until they are there. */
export async function putIn({ kube, git }) {
  const revision = git.commit(
    { ...files("e2e/store", "1.0.0"), ...files("e2e/flux-store", "1.0.0"), ...chart },
    "Open the store\n\nThe second line is not shown.",
  );
  await kube.apply(`${APPLICATIONS}/store`, application("store", git.url));
  // Its URL carries a password; the repository is the same.
  const withPassword = git.url.replace("//", `//user:${CANARIES[2]}@`);
  await kube.apply(`${APPLICATIONS}/manual`, { ...application("manual", withPassword, false) });
  await kube.apply("/api/v1/namespaces/flux-store", {
    apiVersion: "v1", kind: "Namespace", metadata: { name: "flux-store" },
  });
  await kube.apply("/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/store", {
    apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository",
    metadata: { name: "store", namespace: "flux-system" },
    spec: { interval: "1m", url: git.url, ref: { branch: "main" } },
  });
  await kube.apply("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-store", {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization",
    metadata: { name: "flux-store", namespace: "flux-system" },
    spec: {
      interval: "10m", path: "./e2e/flux-store", prune: true, targetNamespace: "flux-store",
      sourceRef: { kind: "GitRepository", name: "store" },
    },
  });
  await kube.apply("/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases/helm-store", {
    apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease",
    metadata: { name: "helm-store", namespace: "flux-system" },
    spec: {
      interval: "10m", targetNamespace: "helm-store", install: { createNamespace: true },
      chart: { spec: { chart: "./e2e/chart", sourceRef: { kind: "GitRepository", name: "store" } } },
      values: { replicas: 2 },
    },
  });
  await until("the store is healthy", async () => {
    const { status } = await kube.get(`${APPLICATIONS}/store`);
    return status?.sync?.revision === revision && status.health?.status === "Healthy";
  });
  return revision;
}

/** A person scales, and changes the Secret. */
export async function drift({ kube }) {
  await kube.edit(DEPLOYMENT, { spec: { replicas: 5 } });
  await kube.edit("/api/v1/namespaces/store/secrets/payment", {
    data: { key: Buffer.from(CANARIES[1]).toString("base64") },
  });
}

export function newImage({ git }) {
  return git.commit({ "e2e/store/deployment.yaml": deployment("1.1.0") }, "Sell more with 1.1.0");
}

export function replicas({ kube }) {
  return kube.get(DEPLOYMENT).then((object) => object.spec.replicas);
}

export function fluxShop({ kube }) {
  return kube.get("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-store");
}

export function removeManual({ kube }) {
  return kube.remove(`${APPLICATIONS}/manual`);
}

function application(name, repoURL, automated = true) {
  return {
    apiVersion: "argoproj.io/v1alpha1", kind: "Application",
    metadata: { name, namespace: "argocd", finalizers: [] },
    spec: {
      project: "default",
      source: { repoURL, targetRevision: "main", path: "e2e/store" },
      destination: { server: "https://kubernetes.default.svc", namespace: name },
      syncPolicy: {
        ...(automated ? { automated: { prune: true, selfHeal: false } } : {}),
        syncOptions: ["CreateNamespace=true"],
      },
    },
  };
}
