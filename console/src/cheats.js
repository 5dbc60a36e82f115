// Ways to cheat, as changes to an honest plan. Each sends real requests to the real server.
//
// `asks` says who asks at the token desk, when it is not the chosen viewer; `change` alters the
// plan after the token desk said yes, and returns false when it turned out to be impossible.
// `films` is how many films a cheat needs.
import { base64urlOf, bytesOf, textOf } from './tokens.js';

const YEAR = 365 * 24 * 3600;

const named = (viewers, pattern) => viewers.find(({ id, name, story }) =>
  pattern.test(`${id} ${name} ${story}`));

/** The viewers that the cheats need, found by what the server tells about them. */
export function cast({ viewers }) {
  const expired = named(viewers, /expired|ended|lapsed|over\b|yesterday|too late/i);
  const denied = named(viewers, /denied|not allowed|blocked|network|abroad/i);
  const stranger = named(viewers, /not (entitled|bought|buy|on the list)|did not|has no|never/i);
  const honest = viewers.find((viewer) => ![expired, denied, stranger].includes(viewer));
  return { denied, expired, honest: honest ?? viewers[0], stranger };
}

const asHonest = (_choice, state) => ({ viewer: cast(state).honest });
const asExpired = (_choice, state) => ({ viewer: cast(state).expired });

const otherContent = ({ content }, { contents }) => contents.find(({ id }) => id !== content.id);
const sameStream = ({ stream }, content) =>
  content.streams.find(({ kind, mode }) => kind === stream.kind && mode === stream.mode);

async function tokenForOtherContent({ choice, state, ask }) {
  const content = otherContent(choice, state);
  return ask({ content, stream: sameStream(choice, content), viewer: cast(state).honest });
}

const withQueryOf = (path, url) => `${path}?${url.split('?')[1] ?? ''}`;

/** All cheats in the order of the page. */
export const CHEATS = [
  {
    id: 'no-token', title: 'No token', about: 'Just ask for the film, or for its keys.',
    tries: [
      {
        door: 'media', asks: asHonest, story: 'the manifest is fetched without any token.',
        change(plan) {
          plan.manifestUrl = plan.manifestUrl.split('?')[0];
          plan.token = null;
        },
      },
      {
        door: 'license', asks: asHonest,
        story: 'the scrambled film is fetched properly, the keys are asked for without a token.',
        change(plan) { plan.token = null; },
      },
    ],
  },
  {
    id: 'expired', title: 'Expired token', about: 'Come back with yesterday\'s ticket.', tries: [
      {
        door: 'media', asks: asExpired, story: 'tokens are used after their time.',
        change() {},
      },
      {
        door: 'license', asks: asHonest,
        story: 'the scrambled film is fetched properly, the keys with an expired token.',
        async change(plan, { ask, state }) {
          const late = await ask({ viewer: cast(state).expired });
          if (!late) return false;
          plan.token = late.token;
          return true;
        },
      },
    ],
  },
  {
    id: 'other-content', title: 'Another film\'s token', about: 'Pay for one film, open another.',
    films: 2, tries: [
      {
        door: 'media', asks: asHonest, story: 'the access token of another film is used here.',
        async change(plan, help) {
          const other = await tokenForOtherContent(help);
          if (!other) return false;
          plan.manifestUrl = withQueryOf(plan.manifestUrl.split('?')[0], other.manifest_url);
          plan.token = other.token;
          return true;
        },
      },
      {
        door: 'license', asks: asHonest, story: 'the license token of another film is shown.',
        async change(plan, help) {
          const other = await tokenForOtherContent(help);
          if (!other) return false;
          plan.token = other.token;
          return true;
        },
      },
    ],
  },
  {
    id: 'tampered-path', title: 'Tampered path',
    about: 'Stay in the allowed folder by name, climb out of it in fact.', tries: [
      {
        door: 'media', asks: asHonest,
        story: 'hidden slashes in the address lead from this film\'s folder to another\'s.',
        change(plan, { choice, state }) {
          const [path] = plan.manifestUrl.split('?');
          const other = otherContent(choice, state) ?? choice.content;
          const target = sameStream(choice, other).path.split('/');
          const folder = path.slice(0, path.lastIndexOf('/'));
          const climb = '..%2f'.repeat(2);
          const hidden = `${folder}/${climb}${target.slice(2).join('%2f')}`;
          plan.manifestUrl = withQueryOf(hidden, plan.manifestUrl);
        },
      },
    ],
  },
  {
    id: 'wrong-kind', title: 'Access token as session token',
    about: 'Use the short-lived ticket where only the session token counts.', tries: [
      {
        door: 'media', asks: asHonest,
        story: 'the access token is handed in under the name of the session token.',
        change(plan) { plan.manifestUrl = plan.manifestUrl.replace('hdnts=', 'hdntl='); },
      },
    ],
  },
  {
    id: 'not-entitled', title: 'Not on the list',
    about: 'Ask as someone who never bought the film.',
    tries: [
      {
        door: 'viewer', label: 'play as such a viewer',
        asks: (_choice, state) => ({ viewer: cast(state).stranger }),
      },
    ],
  },
  {
    id: 'denied-address', title: 'From a denied network',
    about: 'Ask from where the film may not be shown, or carry somebody\'s token there.', tries: [
      {
        door: 'viewer', label: 'play from there',
        asks: (_choice, state) => ({ viewer: cast(state).denied }),
        change(plan, { state }) { plan.address = cast(state).denied.address; },
      },
      {
        door: 'media', asks: asHonest, story: 'a good token is carried into the denied network.',
        change(plan, { state }) { plan.address = cast(state).denied.address; },
      },
      {
        door: 'license', asks: asHonest,
        story: 'the scrambled film is fetched at home, the keys from the denied network.',
        change(plan, { state }) {
          const honest = plan.headers;
          const { address } = cast(state).denied;
          plan.headers = (door) => (door === 'license'
            ? { ...honest(door), 'X-Forwarded-For': address } : honest(door));
        },
      },
    ],
  },
  {
    id: 'forged', title: 'Forged token', about: 'Rewrite a claim and keep the old signature.',
    tries: [
      {
        door: 'license', asks: asHonest, story: 'the token is made to end a year later.',
        change(plan) {
          const [header, claims, signature] = plan.token.split('.');
          const longer = textOf(bytesOf(claims))
            .replace(/"exp":(\d+)/, (_all, end) => `"exp":${Number(end) + YEAR}`);
          plan.token = [header, base64urlOf(longer), signature].join('.');
        },
      },
    ],
  },
];
