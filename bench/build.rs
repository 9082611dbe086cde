fn main() {
    println!("cargo:rerun-if-env-changed=LINCHPIN_BENCH_OPS");
    user_link::program();
}
