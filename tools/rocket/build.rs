//! The core begins at the start of its memory.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv64") {
        for argument in [
            "-Ttext=0x80000000",
            "--entry=shim_start",
            "--omagic",
            "-znognustack",
        ] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}
