//! A helper for tests, whose `main` is that of the test harness.

fn main() {
    user_backend::smb::run_helper_if_requested();
}
