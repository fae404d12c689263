//! The trees that `cargo xtask bench kustomize` builds.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// An overlay with prefix, namespace, labels and images over a base of Deployments, a file each.
pub(super) fn deployments(folder: &Path, count: usize) -> Result<()> {
    let base = folder.join("base");
    write_base(&base, count)?;
    write_overlay(&folder.join("overlay"), "team")
}

/// Overlays of their own over one base, and a kustomization of them all.
pub(super) fn overlays(folder: &Path, overlays: usize, count: usize) -> Result<()> {
    write_base(&folder.join("base"), count)?;
    let mut all = "resources:\n".to_owned();
    for number in 0..overlays {
        let name = format!("team-{number:02}");
        write_overlay(&folder.join(&name), &name)?;
        all.push_str(&format!("- ../{name}\n"));
    }
    fs::create_dir_all(folder.join("overlay"))?;
    fs::write(folder.join("overlay/kustomization.yaml"), all)?;
    Ok(())
}

fn write_base(base: &Path, count: usize) -> Result<()> {
    fs::create_dir_all(base)?;
    let mut kustomization = "resources:\n".to_owned();
    for number in 0..count {
        let file = format!("web-{number}.yaml");
        kustomization.push_str(&format!("- {file}\n"));
        fs::write(base.join(file), deployment(number))?;
    }
    fs::write(base.join("kustomization.yaml"), kustomization)?;
    Ok(())
}

fn write_overlay(folder: &Path, name: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    let text = format!(
        "namePrefix: {name}-
namespace: {name}
labels:
- pairs: {{team: {name}}}
  includeSelectors: true
images:
- name: registry.example.com/web
  newTag: v2.0.1
resources:
- ../base
"
    );
    fs::write(folder.join("kustomization.yaml"), text)?;
    Ok(())
}

fn deployment(number: usize) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  labels:
    app: web-{number}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web-{number}
  template:
    metadata:
      labels:
        app: web-{number}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:v1.9.7
        args: [--listen, ':8080', --log-level=info]
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: NUMBER
          value: \"{number}\"
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
          limits: {{memory: 256Mi}}
        readinessProbe:
          httpGet: {{path: /healthz, port: http}}
"
    )
}
