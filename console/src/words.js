// The texts of the page: the steps, the glossary, and reason codes in plain words.
//
// Holds no logic: the server decides and names the reason; this file only translates.

/** The steps of a run in the order in which they happen. */
export const STEPS = [
  {
    id: 'ask', title: 'Ask for a token', term: 'token',
    caption: 'The shop where the film was bought asks Portcullis whether this viewer may watch '
      + 'it. If so, it gets a token to pass on to the player.',
  },
  {
    id: 'token', title: 'Read the token', term: 'jwt',
    caption: 'Anyone can read a token, nobody can change one: its last part is a signature over '
      + 'the others.',
  },
  {
    id: 'manifest', title: 'Fetch the manifest', term: 'manifest',
    caption: 'The player fetches the table of contents of the film. The address carries a '
      + 'short-lived access token of its own.',
  },
  {
    id: 'session', title: 'Enter with a session token', term: 'session',
    caption: 'The gate swaps the access token for a session token, which opens the many small '
      + 'pieces of this film and nothing else.',
  },
  {
    id: 'license', title: 'Ask for the license', term: 'license',
    caption: 'The pieces are scrambled. The browser names the keys it lacks, and the player asks '
      + 'for them, showing the token from step 1.',
  },
  {
    id: 'decision', title: 'The decision', term: 'decision',
    caption: 'Portcullis goes through its rules one by one and writes down what each of them said.',
  },
  {
    id: 'keys', title: 'Keys in the browser', term: 'key',
    caption: 'Picture and sound, and each quality of the picture, have keys of their own.',
  },
  {
    id: 'frames', title: 'Watch', term: 'frames',
    caption: 'The browser unscrambles, decodes, and shows. The counters move only if that really '
      + 'works: a wrong key gives noise that no decoder accepts.',
  },
];

/** Terms that someone new to this may ask about. */
export const GLOSSARY = {
  token: ['Token', 'A short text that says who may do what until when. Like a cinema ticket, it '
    + 'is checked at the door, and whoever printed it can be recognised.'],
  jwt: ['JWT', 'JSON Web Token: header, claims and signature, joined by dots. The header says '
    + 'how it is signed, the claims say for whom, for what and for how long.'],
  manifest: ['Manifest', 'A small file that lists the qualities, the languages and the pieces of '
    + 'a film. DASH calls it MPD, HLS calls it playlist.'],
  session: ['Access and session token', 'The access token is short-lived and opens the manifest. '
    + 'The session token that replaces it travels with each piece, either as a cookie or inside '
    + 'the address where cookies do not work.'],
  license: ['License', 'The answer that carries the keys. Without it the pieces are noise, even '
    + 'for someone who has all of them.'],
  decision: ['Decision', 'Each request ends in yes, or in no with one reason. The list of rules '
    + 'that were looked at is kept, so that "why?" always has an answer.'],
  key: ['Key', 'Sixteen random bytes. A key has a public name, the key id, which is what you see '
    + 'here; the bytes themselves go straight into the browser\'s decryption module.'],
  frames: ['Frame', 'One picture of the film; there are 25 in a second. Each frame of this film '
    + 'shows its own number as a row of black and white squares.'],
  cenc: ['cenc and cbcs', 'Two ways to scramble the same film with AES. cenc is the older one, '
    + 'cbcs the one that Apple devices understand. Parts that a player must read stay in the '
    + 'clear.'],
  eme: ['EME and Clear Key', 'Encrypted Media Extensions are how a page hands keys to the '
    + 'browser. Clear Key is the simplest lock that fits, and it is built into every browser.'],
};

/** Names of the doors, as the page calls them. */
export const DOORS = {
  token: 'token desk', media: 'media gate', license: 'license desk',
};

// From the most to the least particular; the first match speaks.
const REASONS = [
  [/^token\.missing$/, 'There was no token at all.'],
  [/^token\.expired$/, 'The token was good once, but its time is over.'],
  [/^token\.not_yet$/, 'The token is not good yet.'],
  [/^token\.signature$/, 'The token was changed after it was signed, or somebody else made it.'],
  [/^token\.(content|path)$/, 'The token is real, but for something else.'],
  [/^token\.kind$/, 'One kind of token was shown where another kind is asked for.'],
  [/^token\.address$/, 'The token belongs to another network address.'],
  [/^token\.audience$/, 'The token is meant for another service.'],
  [/^token\.ambiguous$/, 'Two different tokens were shown at once, so none is believed.'],
  [/^token\.(issuer|claim)$/, 'The token does not come from where it should, or lacks something.'],
  [/^token\.lifetime$/, 'The token claims to be good for too long.'],
  [/^entitlement\.expired$/, 'This viewer\'s right to the film is over.'],
  [/^entitlement\.not_yet$/, 'This viewer\'s right to the film has not begun.'],
  [/^entitlement\./, 'This viewer has not bought this film.'],
  [/^place\./, 'Requests from this network are not allowed.'],
  [/^window\.not_open$/, 'The film is not out yet.'],
  [/^window\.closed$/, 'The film is no longer offered.'],
  [/(^|\.)path/, 'The address was written in a way that tries to climb out of its folder.'],
  [/^key\./, 'A key was asked for that does not belong to this film or was not granted.'],
  [/^token\./, 'The token could not be accepted.'],
];

/** One sentence for a reason code, or the server's own words for a code unknown here. */
export function plainReason(code, fallback) {
  const known = REASONS.find(([pattern]) => pattern.test(code ?? ''));
  return known ? known[1] : fallback || 'The request was refused.';
}
