fn main() {
    println!("cargo:rerun-if-env-changed=LINCHPIN_STRESS_SEED");
    println!("cargo:rerun-if-env-changed=LINCHPIN_STRESS_CALLS");
    user_link::program();
}
