//! What `cargo xtask help` prints.
//!
//! The list of gate steps is not repeated from memory: a test compares it with
//! [`crate::ci::STEPS`].

/// The help text.
pub(crate) const TEXT: &str = "\
cargo xtask <command>

  demo [-- ARGS]   Build everything and start the demo: an encrypted film, a page that plays
                   it, and viewers who may and may not watch. Needs cargo and node.
                   ARGS go to `portcullis demo`, for instance:
                     cargo xtask demo -- --input film.mp4
  test             Install what the tests need (it says what), run the whole gate, and end
                   with one line of totals.
  ci [STEP...]     The gate alone, all of it or the steps named. Installs nothing.
  tidy             The checks on the repository itself: arrows, budgets, docs, words.
  bench            The benches, and the floors they are compared with. `bench tokens` puts
                   every token family beside the official libraries and prints ratios.
  help             This text.

Steps of the gate, in order:

  fmt      rustfmt finds nothing to change
  console  the web page is built from its lock file
  tidy     the repository follows its own rules
  vectors  every test vector says what it expects, where it is from, and has a runner
  deny     licenses, banned crates, sources and minimum versions of dependencies
  clippy   no warnings, in all targets
  docs     the API documentation builds without warnings
  test     all tests of all crates, doc tests included
  browser  films play, and are refused, in headless Chromium
  interop  other people's tools decrypt our output, and agree with us about tokens
  fuzz     every fuzz target runs for ten seconds

Everything that is downloaded or generated goes under target/ and console/node_modules.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_listed_in_the_order_it_runs() {
        let (_, listed) = TEXT.split_once("in order:\n\n").expect("the list is in the text");
        let names: Vec<&str> = listed
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let steps: Vec<&str> = crate::ci::STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names, steps);
    }
}
