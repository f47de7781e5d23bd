//! Writes the Kotlin and Swift sources that belong to the built library. The README beside this crate has the command.

fn main() {
    uniffi::uniffi_bindgen_main();
}
