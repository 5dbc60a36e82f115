//! Tells cargo to embed the player page anew when it was built anew.

fn main() {
    println!("cargo::rerun-if-changed=../../console/dist");
}
