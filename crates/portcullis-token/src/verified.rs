//! The proof that a token was checked.
//!
//! Only this crate makes one, at the end of a `verify`. It says that the signature was made
//! with a key the caller trusts, that the token's time has come and is not over, and that it
//! is of the kind that was asked for. It does not say what the token may open.

/// Claims whose signature, lifetime and kind were checked.
///
/// It cannot be made outside this crate, nor come from nowhere, nor be copied:
///
/// ```compile_fail,E0451
/// let forged = portcullis_token::Verified { claims: "admin" };
/// ```
///
/// ```compile_fail,E0624
/// let forged = portcullis_token::Verified::new("admin");
/// ```
///
/// ```compile_fail,E0277
/// fn made_of_nothing<T: Default>() -> T { T::default() }
/// let forged: portcullis_token::Verified<String> = made_of_nothing();
/// ```
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// type Token = portcullis_token::Verified<String>;
/// fn keep(token: &Token) { twice::<Token>(token); }
/// ```
#[derive(Debug)]
#[must_use = "verified claims that nobody reads were verified in vain"]
pub struct Verified<T> {
    claims: T,
}

impl<T> Verified<T> {
    // INVARIANT: called in a `verify` after all its checks, and nowhere else.
    pub(crate) const fn new(claims: T) -> Self {
        Self { claims }
    }

    /// What the token says.
    pub const fn claims(&self) -> &T {
        &self.claims
    }

    /// Takes out what the token says and gives up the proof.
    pub fn into_claims(self) -> T {
        self.claims
    }
}
