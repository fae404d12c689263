//! Links the binary for Linux at fixed addresses, as Go links Helm, Argo CD and Flux: the hundred thousand
//! addresses that would have to be put right at each start took more time than rendering a chart.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
