//! A span of time with either end open.
//!
//! Does not know what time it is; `rules::window` compares.

use portcullis_base::Timestamp;

/// From `opens`, included, to `closes`, excluded. A missing end is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    // INVARIANT: opens < closes where both are set. `Window::new` is the only way to set them.
    opens: Option<Timestamp>,
    closes: Option<Timestamp>,
}

impl Window {
    /// The window without ends.
    pub const ALWAYS: Self = Self { opens: None, closes: None };

    /// Makes a window.
    ///
    /// # Errors
    ///
    /// [`WindowError`] when no second lies in it.
    pub fn new(opens: Option<Timestamp>, closes: Option<Timestamp>) -> Result<Self, WindowError> {
        match (opens, closes) {
            (Some(opens), Some(closes)) if closes <= opens => Err(WindowError { opens, closes }),
            _ => Ok(Self { opens, closes }),
        }
    }

    /// The first second inside, if there is one.
    #[must_use]
    pub const fn opens(&self) -> Option<Timestamp> {
        self.opens
    }

    /// The first second after, if there is one.
    #[must_use]
    pub const fn closes(&self) -> Option<Timestamp> {
        self.closes
    }
}

/// No second lies in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window closes at {closes}, no later than it opens at {opens}")]
pub struct WindowError {
    opens: Timestamp,
    closes: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_a_second_in_it_cannot_be_made() {
        let at = |second| Some(Timestamp(second));
        assert!(Window::new(at(5), at(5)).is_err());
        assert!(Window::new(at(5), at(4)).is_err());
        assert!(Window::new(at(5), at(6)).is_ok());
        assert_eq!(Window::new(None, None), Ok(Window::ALWAYS));
    }
}
