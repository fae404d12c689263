// Starts `belay demo`, and reaches what runs in it: the cluster's API, the Git repository, the page.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const PATIENCE = 90_000;

/** Runs the demo with its tour; it stays up until `stop`. */
export async function startDemo(binary) {
  const dir = mkdtempSync(join(tmpdir(), "belay-browser-"));
  const child = spawn(binary, ["demo", "--dir", dir, "--keep", "--plain"], {
    cwd: dir,
    env: { ...process.env, CI: "false", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let ended = null;
  const hear = (text) => {
    said += text;
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  child.on("exit", (code) => {
    ended = code ?? "a signal";
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await until("the demo ends", () => ended !== null).catch(() => child.kill("SIGKILL"));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const address = await until("the demo prints its address", () => {
      if (ended !== null) throw new Error(`the demo ended with ${ended}:\n${said}`);
      return said.match(/http:\/\/\S+#token=[0-9a-f]+/)?.[0];
    });
    const about = JSON.parse(readFileSync(join(dir, "demo.json"), "utf8"));
    return { address, kube: kube(about), git: git(about.git, join(dir, "clone")), stop };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\nthe demo said:\n${said}`);
  }
}

/** Looks again and again until something is there. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The cluster's API, by the paths and bodies of Kubernetes. */
function kube({ api, kubeconfig }) {
  const text = readFileSync(kubeconfig, "utf8");
  const entry = (name) => text.match(new RegExp(`"?${name}"?:\\s*"?([^"\\s,}]+)`))?.[1];
  const ca = Buffer.from(entry("certificate-authority-data") ?? "", "base64");
  const token = entry("token");
  const ask = (method, path, body, type = "application/json") =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": type, accept: "application/json" };
      const asked = request(new URL(path, api), { method, headers, ca }, (response) => {
        let answer = "";
        response.setEncoding("utf8").on("data", (part) => {
          answer += part;
        });
        response.on("end", () => {
          if (response.statusCode < 300) resolve(JSON.parse(answer));
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
        });
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    get: (path) => ask("GET", path),
    apply: (path, object) =>
      ask("PATCH", `${path}?fieldManager=e2e&force=true`, object, "application/apply-patch+yaml"),
    /** As a person with an editor would: another field manager, only what changes. */
    edit: (path, change, person = "a-person") =>
      ask("PATCH", `${path}?fieldManager=${person}`, change, "application/merge-patch+json"),
    remove: (path) => ask("DELETE", path),
  };
}

/** The sample repository: files committed by the real git, pushed to the demo's server. */
function git(url, clone) {
  const run = (...words) => execFileSync("git", words, { cwd: existsSync(clone) ? clone : dirname(clone), stdio: "pipe" });
  run("clone", "--quiet", url, clone);
  return {
    url,
    commit(files, message) {
      run("pull", "--quiet", "--rebase");
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(clone, path)), { recursive: true });
        writeFileSync(join(clone, path), content);
      }
      run("add", "-A");
      run("-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", message);
      run("push", "--quiet");
      return run("rev-parse", "HEAD").toString().trim();
    },
  };
}
