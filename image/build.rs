//! Hands the linker script of the target to the linker. On a host nothing is linked that way.

fn main() {
    println!("cargo:rerun-if-changed=link");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if os != "none" {
        return;
    }
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rustc-link-arg-bins=--script={folder}/link/{arch}.ld");
    // Pages of 4 KiB: file offsets then stay linear with physical addresses, as the Multiboot 1
    // header promises.
    println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    println!("cargo:rustc-link-arg-bins=-znognustack");
    println!("cargo:rustc-link-arg-bins=--no-rosegment");
    println!("cargo:rustc-link-arg-bins=--build-id=none");
}
