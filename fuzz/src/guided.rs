//! libFuzzer on one target, which `LINCHPIN_TARGET` names.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = std::env::var("LINCHPIN_TARGET").unwrap_or_else(|_| "system-calls".into());
    match linchpin_fuzz::target(&name) {
        Some(target) => {
            (target.run)(bytes);
        }
        None => panic!("no target {name}"),
    }
});
