import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
const FILE = 'bundles/desk/artifact/dfa.json';
let home = '';

const CLAUSES = `
  - { id: no-admin, kind: trace, never: { effects: [admin] } }
  - id: review
    kind: trace
    after: { tools: [read_text_file], label: { integrity: untrusted } }
    never: { tools: [send_mail], args: { to: { matches: ["*<&\\"]]>'*", "*@x.example"] } } }
    until: { tools: [list_directory], principal: { roles: [reviewer] } }
  - { id: few, kind: trace, at_most: 3, of: { tools: [send_mail] } }
  - { id: note, kind: trace, after: { tools: [send_mail] }, then: { tools: [list_directory] }, within: 10m, tolerance: 5s }
`;

beforeAll(async () => {
  home = folders.make();
  expect((await here(['init', 'desk'])).code).toBe(0);
  const bundle = join(home, 'bundles/desk/bundle.yaml');
  writeFileSync(bundle, `${readFileSync(bundle, 'utf8').trimEnd()}${CLAUSES}`);
  expect(await here(['policy', 'compile', 'bundles/desk'])).toMatchObject({ code: 0, err: '' });
});
afterAll(() => folders.removeAll());

const here = (args: readonly string[]) => pfctl(args, { directory: home });
const validate = (...args: readonly string[]) => here(['validate', '--dfa', ...args]);

/** The automata with a change, and the hash beside them that they would have had. */
function tampered(name: string, change: (document: Dfa) => void, hashed = true): string {
  const document = JSON.parse(readFileSync(join(home, FILE), 'utf8')) as Dfa;
  change(document);
  return written(name, JSON.stringify(document), hashed);
}

function written(name: string, text: string, hashed = false): string {
  writeFileSync(join(home, name), text);
  rmSync(join(home, `${name}.sha256`), { force: true });
  const hash = createHash('sha256').update(text).digest('hex');
  if (hashed) writeFileSync(join(home, `${name}.sha256`), `${hash}  ${name}\n`);
  return name;
}

interface Dfa {
  readonly automata: {
    clause: string;
    initial: number;
    states: number;
    register: unknown;
    transitions: Record<string, unknown>[];
  }[];
}

describe('automata that are not as they were compiled', () => {
  it.each<[string, string, (document: Dfa) => void]>([
    [
      'DETERMINISM',
      'two ways',
      ({ automata }) => automata[0]?.transitions.push({ ...automata[0].transitions[0] }),
    ],
    ['TOTALITY', 'no way', ({ automata }) => automata[0]?.transitions.pop()],
    ['REACHABILITY', 'a state aside', ({ automata }) => Object.assign(automata[2] ?? {}, { states: 2 })],
    [
      'PREFIX_CLOSURE',
      'a refusal that moves',
      ({ automata }) =>
        Object.assign(automata[1]?.transitions.find(({ violation }) => violation !== null) ?? {}, { to: 0 }),
    ],
    ['REGISTER', 'a deadline gone', ({ automata }) => Object.assign(automata[3] ?? {}, { register: null })],
    ['REFERENCE', 'a state that is none', ({ automata }) => Object.assign(automata[0] ?? {}, { initial: 7 })],
    ['DUPLICATE', 'a clause again', ({ automata }) => Object.assign(automata[0] ?? {}, { clause: 'few' })],
    [
      'SIZE',
      'far too many states',
      ({ automata }) => Object.assign(automata[0] ?? {}, { states: 1_000_000 }),
    ],
  ])('are refused by name: %s, %s', async (code, _about, change) => {
    const { code: exit, out } = await validate(tampered('changed.json', change));
    expect(exit).toBe(1);
    expect(out).toContain(`\n${code}: clause `);
  });

  it('are refused for another hash than the one beside them, and for another than the bundle has', async () => {
    const loosened = (document: Dfa) =>
      Object.assign(document.automata[2]?.register as object, { most: 300 });
    const silent = tampered('more.json', loosened);
    expect(await validate(silent)).toMatchObject({ code: 0 });
    const against = await validate(silent, '--bundle', 'bundles/desk/bundle.json');
    expect(against.code).toBe(1);
    expect(against.out).toMatch(/\nBUNDLE: expected the automata of desk version 1, `[0-9a-f]{64}`, came `/);
    const caught = tampered('less.json', loosened, false);
    writeFileSync(join(home, 'less.json.sha256'), readFileSync(join(home, `${FILE}.sha256`)));
    const json = JSON.parse((await validate(caught, '--format', 'json')).out);
    expect(json).toMatchObject({ valid: false, checks: { hash: false, bundle: null, totality: true } });
    expect(json.problems).toEqual([expect.objectContaining({ code: 'HASH', clause: null })]);
  });

  it('are refused where the same content is written otherwise, since its hash is then another', async () => {
    const spaced = written('spaced.json', `${readFileSync(join(home, FILE), 'utf8')}\n`, true);
    const { code, out } = await validate(spaced);
    expect(code).toBe(1);
    expect(out).toContain('\nCANONICAL: expected canonical JSON');
  });

  it('are not drawn', async () => {
    const changed = tampered('changed.json', ({ automata }) => automata[0]?.transitions.pop());
    for (const format of ['dot', 'svg']) {
      const { code, out, err } = await validate(changed, '--format', format);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/^pfctl: TOTALITY: clause no-admin: expected a transition /);
    }
  });
});

describe('what are no automata', () => {
  it.each([
    ['no JSON', '{'],
    ['another document', '{"format":"provability-fabric/dfa/v1","automata":[]}'],
    ['a list', '[]'],
    ['a member that means nothing', '{"format":"provability-fabric/dfa/v2","automata":[],"x":1}'],
    ['no UTF-8', '\ud800'],
  ])('is invalid input: %s', async (_about, text) => {
    const { code, out, err } = await validate(written('nonsense.json', text));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^pfctl: nonsense\.json: expected exported automata: /);
  });

  it('is invalid input: nothing, a folder, a hash that is none, a bundle that is none, no option', async () => {
    expect((await validate('gone.json')).code).toBe(3);
    expect((await validate('bundles')).code).toBe(3);
    writeFileSync(join(home, `${tampered('hashless.json', () => undefined)}.sha256`), 'deadbeef\n');
    expect(await validate('hashless.json')).toMatchObject({ code: 3, out: '' });
    expect((await validate(FILE, '--bundle', 'gone')).code).toBe(3);
    expect((await here(['validate'])).code).toBe(3);
    expect((await here(['validate', '--dfa', FILE, '--format', 'png'])).code).toBe(3);
  });
});

describe('automata as they were compiled', () => {
  it('hold, also against the folder of their bundle', async () => {
    expect(await validate(FILE)).toMatchObject({ code: 0, err: '' });
    const { code, out } = await validate(FILE, '--bundle', 'bundles/desk');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^file: +bundles\/desk\/artifact\/dfa\.json\nsha256: +[0-9a-f]{64}\nautomata: +4, 7 states, /,
    );
    for (const check of [
      'schema',
      'determinism',
      'totality',
      'reachability',
      'prefix-closure',
      'hash',
      'bundle',
    ])
      expect(out).toMatch(new RegExp(`\n${check}: +ok\n`));
  });

  it('are drawn for Graphviz with texts that cannot break out', async () => {
    const { code, out } = await validate(FILE, '--format', 'dot');
    expect(code).toBe(0);
    expect(out).toMatch(/^digraph automata \{\n/);
    expect(out).toContain('label="asked: any admin tool → refused, TRACE_FORBIDDEN", style=dashed');
    expect(out).toContain('label="the deadline passes"');
    // Outside of quoted texts nothing of a bundle is left.
    const bare = out.replace(/"(?:[^"\\]|\\.)*"/g, '');
    expect(bare).toMatch(/^[\w\s{}[\];=,>-]*$/);
  });

  it('are drawn as XML that is well formed, whatever the texts', async () => {
    const { code, out } = await validate(FILE, '--format', 'svg');
    expect(code).toBe(0);
    expect(wellFormed(out)).toBe(true);
    expect(out.match(/<circle /g)).toHaveLength(7);
    expect(out).toContain('&lt;&amp;\\&quot;]]&gt;&#39;');
    expect(out).toContain('asked: send_mail, fewer than 3 counted → counted');
  });
});

/** Every tag is closed in its order, and no text or attribute has a bare `<` or `&`. */
function wellFormed(xml: string): boolean {
  const open: string[] = [];
  const body = xml.replace(/^<\?xml [^?]*\?>\n/, '');
  const tag = /<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let at = 0;
  for (const match of body.matchAll(tag)) {
    const [all, close, name = '', attributes = '', empty, text] = match;
    if (match.index !== at) return false;
    at += all.length;
    if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text ?? attributes)) return false;
    if (text !== undefined || empty === '/') continue;
    if (close === '') open.push(name);
    else if (open.pop() !== name) return false;
  }
  return at === body.length && open.length === 0;
}
