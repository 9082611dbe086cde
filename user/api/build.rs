//! Selects the folder of the ISA.

fn main() {
    println!("cargo:rerun-if-env-changed=LINCHPIN_ISA");
    println!("cargo:rustc-check-cfg=cfg(isa, values(\"x86_64\", \"aarch64\", \"riscv64\"))");
    let bare_metal = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    let isa = if bare_metal {
        std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default()
    } else {
        std::env::var("LINCHPIN_ISA").unwrap_or_else(|_| "x86_64".into())
    };
    println!("cargo:rustc-cfg=isa=\"{isa}\"");
}
