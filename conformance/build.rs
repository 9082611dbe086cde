fn main() {
    println!("cargo:rerun-if-env-changed=LINCHPIN_TEST_FILTER");
    user_link::program();
}
