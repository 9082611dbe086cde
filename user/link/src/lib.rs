//! For build scripts of programs that run on the kernel: `fn main() { user_link::program(); }`.
#![deny(missing_docs)]

/// Where programs lie in their address space. Below the first 4 MiB nothing is mapped, so null
/// pointers fault; above there is room up to 2 GiB for code that addresses with 32 bits.
pub const IMAGE_BASE: u64 = 0x40_0000;

/// Tells cargo how to link all binaries of the package: one static ELF64 at a fixed address,
/// its segments on pages of their own, none of them writable and executable.
///
/// On a host (`cargo check` of a whole workspace) it says nothing.
pub fn program() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        for argument in arguments() {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

fn arguments() -> Vec<String> {
    let mut arguments = vec![format!("--image-base={IMAGE_BASE:#x}")];
    arguments.extend(
        [
            "--no-pie",
            "--entry=_start",
            // Nobody applies relocations at start, so no part of the image needs to become read-only later.
            "-znorelro",
            "-zmax-page-size=4096",
            "-zseparate-loadable-segments",
            "-znoexecstack",
            "--gc-sections",
        ]
        .map(String::from),
    );
    arguments
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_image_begins_on_a_large_page() {
        assert_eq!(super::IMAGE_BASE % (2 << 20), 0);
    }
}
