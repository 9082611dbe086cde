fn main() {
    for name in [
        "LINCHPIN_TEST_FILTER",
        "LINCHPIN_STRESS_CALLS",
        "LINCHPIN_STRESS_SEED",
    ] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    user_link::program();
}
