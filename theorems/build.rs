//! Keeps every function in the linked file: nothing calls them.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo:rustc-link-arg-bins=--no-gc-sections");
        println!("cargo:rustc-link-arg-bins=--image-base=0x400000");
    }
}
