// What the browser looks at beside the tour's own apps: a shop of Argo CD's family that leaves drift
// alone, two of Flux's family, and a Secret whose value must never be seen.

import { until } from "./demo.mjs";

/** Values of Secrets, in Git and in the cluster; no answer and no page may hold them in any spelling. */
export const CANARIES = ["canary-in-git-7f3a", "canary-in-cluster-91bc", "canary-in-url-55d0"];

export const SHOP = "app/argocd/shop";
export const FLUX_SHOP = "ks/flux-system/flux-shop";
export const HELM_SHOP = "hr/flux-system/helm-shop";

const APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
const DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web";

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
        image: registry.example.com/shop:${image}
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
  "e2e/chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.2.3\n",
  "e2e/chart/values.yaml": "replicas: 1\n",
  "e2e/chart/templates/deployment.yaml": deployment("1.0.0").replace("replicas: 2", "replicas: {{ .Values.replicas }}"),
  "e2e/chart/templates/secret.yaml": secret,
};

/** Puts the shops into Git and the cluster, and waits until they are there. */
export async function putIn({ kube, git }) {
  const revision = git.commit(
    { ...files("e2e/shop", "1.0.0"), ...files("e2e/flux-shop", "1.0.0"), ...chart },
    "Open the shop\n\nThe second line is not shown.",
  );
  await kube.apply(`${APPLICATIONS}/shop`, application("shop", git.url));
  // Its URL carries a password; the repository is the same.
  const withPassword = git.url.replace("//", `//user:${CANARIES[2]}@`);
  await kube.apply(`${APPLICATIONS}/manual`, { ...application("manual", withPassword, false) });
  await kube.apply("/api/v1/namespaces/flux-shop", {
    apiVersion: "v1", kind: "Namespace", metadata: { name: "flux-shop" },
  });
  await kube.apply("/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/shop", {
    apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository",
    metadata: { name: "shop", namespace: "flux-system" },
    spec: { interval: "1m", url: git.url, ref: { branch: "main" } },
  });
  await kube.apply("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-shop", {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization",
    metadata: { name: "flux-shop", namespace: "flux-system" },
    spec: {
      interval: "10m", path: "./e2e/flux-shop", prune: true, targetNamespace: "flux-shop",
      sourceRef: { kind: "GitRepository", name: "shop" },
    },
  });
  await kube.apply("/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases/helm-shop", {
    apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease",
    metadata: { name: "helm-shop", namespace: "flux-system" },
    spec: {
      interval: "10m", targetNamespace: "helm-shop", install: { createNamespace: true },
      chart: { spec: { chart: "./e2e/chart", sourceRef: { kind: "GitRepository", name: "shop" } } },
      values: { replicas: 2 },
    },
  });
  await until("the shop is healthy", async () => {
    const { status } = await kube.get(`${APPLICATIONS}/shop`);
    return status?.sync?.revision === revision && status.health?.status === "Healthy";
  });
  return revision;
}

/** A person scales, and changes the Secret. */
export async function drift({ kube }) {
  await kube.edit(DEPLOYMENT, { spec: { replicas: 5 } });
  await kube.edit("/api/v1/namespaces/shop/secrets/payment", {
    data: { key: Buffer.from(CANARIES[1]).toString("base64") },
  });
}

export function newImage({ git }) {
  return git.commit({ "e2e/shop/deployment.yaml": deployment("1.1.0") }, "Sell more with 1.1.0");
}

export function replicas({ kube }) {
  return kube.get(DEPLOYMENT).then((object) => object.spec.replicas);
}

export function fluxShop({ kube }) {
  return kube.get("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-shop");
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
      source: { repoURL, targetRevision: "main", path: "e2e/shop" },
      destination: { server: "https://kubernetes.default.svc", namespace: name },
      syncPolicy: {
        ...(automated ? { automated: { prune: true, selfHeal: false } } : {}),
        syncOptions: ["CreateNamespace=true"],
      },
    },
  };
}
