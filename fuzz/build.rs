//! Selects the ISA and whether the machine is real or the model (design: "Two seams").

fn main() {
    println!("cargo:rerun-if-env-changed=LINCHPIN_ISA");
    println!("cargo:rustc-check-cfg=cfg(isa, values(\"x86_64\", \"aarch64\", \"riscv64\"))");
    println!("cargo:rustc-check-cfg=cfg(machine, values(\"model\", \"real\"))");
    let bare_metal = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let isa = match std::env::var("LINCHPIN_ISA") {
        Ok(isa) => isa,
        Err(_) if bare_metal => arch.clone(),
        Err(_) => "x86_64".into(),
    };
    if !["x86_64", "aarch64", "riscv64"].contains(&isa.as_str()) {
        println!("cargo:error=LINCHPIN_ISA is `{isa}`: use x86_64, aarch64 or riscv64");
        return;
    }
    if bare_metal && isa != arch {
        println!("cargo:error=LINCHPIN_ISA is `{isa}` but the target is {arch}");
        return;
    }
    println!("cargo:rustc-cfg=isa=\"{isa}\"");
    println!(
        "cargo:rustc-cfg=machine=\"{}\"",
        if bare_metal { "real" } else { "model" }
    );
}
