fn main() {
    user_link::program();
}
