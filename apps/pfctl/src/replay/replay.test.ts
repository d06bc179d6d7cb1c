import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl, type RunOptions } from '../terminal.fixture.ts';

const folders = temporaryFolders();
let home = '';
let bundle = '';
/** The same bundle that allows one mail in a session. */
let stricter = '';

beforeAll(async () => {
  home = folders.make();
  await pfctl(['init', 'desk', '--directory', home]);
  bundle = join(home, 'desk/bundle.json');
  stricter = join(home, 'strict.json');
  await pfctl(['policy', 'compile', join(home, 'desk')]);
  const text = readFileSync(bundle, 'utf8');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(stricter, text.replace('"max":3', '"max":1'));
});
afterAll(() => folders.removeAll());

const replay = (trace: string, more: readonly string[] = [], options: RunOptions = {}) =>
  pfctl(['replay', '--bundle', bundle, '--trace', trace, ...more], options);

type Event = Readonly<Record<string, unknown>>;
const mail = (to: string, second = 0): Event => ({
  at: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`,
  action: 'call',
  tool: 'send_mail',
  args: { to },
});
const trace = (session: string, events: readonly Event[], more: object = {}) => ({
  session,
  principal: { id: 'a', roles: ['assistant'], tenant: 'acme' },
  prompt: 'write to bob@x.example',
  events,
  ...more,
});
const honest = trace('honest', [mail('bob@x.example')]);
const lured = trace('lured', [mail('mallory@evil.example')]);

describe('traces that are no traces', () => {
  const line = JSON.stringify(honest);
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'x.json: expected a trace, came an empty file'],
    ['white space', ' \n\t\r\n', 'x.json: expected a trace, came an empty file'],
    ['no JSON', 'session: s1', 'x.json:1:1: '],
    ['a broken second line', `${line}\n{"session":}\n${line}`, 'x.json:2:12: '],
    ['a broken third line of one document', '{\n "session": "s",\n "events": [,]\n}', 'x.json:3:13: '],
    ['a document that ends early', '{\n "session": "s",\n', 'x.json:2:17: '],
    ['a duplicate key', '{"session":"a","session":"b"}', 'x.json:1:'],
    ['a byte order mark', `\ufeff${line}`, 'x.json:1:1: expected UTF-8 without a byte order mark'],
    ['no UTF-8', new Uint8Array([...Buffer.from('{"a":"'), 0xff, 0x22, 0x7d]), 'x.json:1:'],
    ['a lone surrogate', '{"session":"\\ud800"}', 'x.json:1:'],
    ['nesting without end', '['.repeat(100_000), 'x.json:1:'],
    ['a list of traces', `[${line}]`, 'x.json:1: expected the trace to be an object, came `a list`'],
    [
      'an unknown member',
      JSON.stringify({ ...honest, tool: 'x' }),
      'x.json:1: expected the trace to have only',
    ],
    [
      'an event with a mistake, where it stands',
      JSON.stringify(trace('s', [mail('a'), { ...mail('b'), action: 'fly' }]), null, 2),
      'x.json:20: expected `events[1].action` to be `call` or `read`, came `fly`',
    ],
    [
      'a time that is none',
      `${line}\n${JSON.stringify(trace('s', [{ ...mail('a'), at: '2026-13-01' }]))}`,
      'x.json:2: expected `events[0].at` to be an RFC 3339 time',
    ],
  ])('%s', async (_, content, said) => {
    const folder = folders.make({ 'x.json': content });
    const { code, err } = await replay('x.json', [], { directory: folder });
    expect(err).toContain(`pfctl: ${said}`);
    expect(code).toBe(3);
    expect(err.trimEnd()).not.toContain('\n');
  });

  test('what came before the mistake is still shown', async () => {
    const { code, out } = await replay('-', [], { stdin: `${line}\n{` });
    expect(code).toBe(3);
    expect(out).toContain('honest #0 send_mail  accept, allow (enforce)');
  });

  test('files, folders and bundles that are not there', async () => {
    const empty = folders.make({ 'notes.txt': '' });
    expect(await replay(empty)).toMatchObject({ code: 3, err: expect.stringContaining('came none') });
    expect(await replay('/nowhere')).toMatchObject({ code: 3, err: expect.stringContaining('came ENOENT') });
    expect(await pfctl(['replay', '--bundle', '/nowhere', '--trace', '-'])).toMatchObject({
      code: 3,
      err: 'pfctl: /nowhere: expected a bundle folder or a bundle.json, came nothing there\n',
    });
    const forged = folders.make({ 'bundle.json': '{"format":"provability-fabric/bundle/v1"}' });
    expect(await pfctl(['replay', '--bundle', `${forged}/bundle.json`, '--trace', '-'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('bundle.json: expected a compiled bundle: '),
    });
  });
});

describe('what is printed', () => {
  test('for people', async () => {
    const { code, out, err } = await replay('-', [], {
      stdin: `${JSON.stringify(lured)}\n${JSON.stringify(honest)}\n`,
    });
    expect({ code, err }).toEqual({ code: 2, err: '' });
    expect(out.replace(/[0-9a-f]{64}/g, '…')).toBe(
      `bundle desk version 1 (…), enforce

lured #0 send_mail  reject, block (enforce)
  checks  authority accept, permit accept, trace accept, flow reject, limits accept
  reason  UNTRUSTED_ARGUMENT by clause known-recipients (flow, reject, enforce, high)
          {"accepted_sources":[],"parameter":"/to","untrusted_results":[],"value":"mallory@evil.example","wanted":["prompt","constant team"]}
  label   public {} trusted
  state   …
       →  …

honest #0 send_mail  accept, allow (enforce)
  checks  authority accept, permit accept, trace accept, flow accept, limits accept
  label   public {} trusted
  state   …
       →  …

2 events in 2 sessions: 1 accepted, 1 rejected
digest …
`,
    );
  });

  test('for programs: one JSON document with an event a line', async () => {
    const { code, out } = await replay('-', ['--format', 'json'], { stdin: JSON.stringify(honest) });
    expect(code).toBe(0);
    const { bundle: named, mode, events, summary, digest } = JSON.parse(out);
    expect(named).toMatchObject({ name: 'desk', version: 1 });
    expect(named.digest).toBe(createHash('sha256').update(readFileSync(bundle)).digest('hex'));
    expect(mode).toBe('enforce');
    expect(events).toMatchObject([{ session: 'honest', index: 0, verdict: 'accept', effect: 'allow' }]);
    expect(summary).toEqual({
      sessions: 1,
      events: 1,
      accepted: 1,
      held: 0,
      rejected: 0,
      let_through: 0,
      errors: 0,
    });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(out.split('\n')[1] as string)).toEqual(events[0]);
  });

  test('the same bytes each time, however the input is cut, laid out or given', async () => {
    const lines = `${JSON.stringify(honest)}\n${JSON.stringify(lured)}`;
    const folder = folders.make({
      'b.json': JSON.stringify(lured, null, 2),
      'a.jsonl': `\r\n${JSON.stringify(honest)}\r\n`,
      '.hidden.json': 'not read',
    });
    const bytes = Buffer.from(lines);
    const cut = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    const runs = await Promise.all(
      ['table', 'json'].map(async (format) => [
        await replay('-', ['--format', format], { stdin: lines }),
        await replay('-', ['--format', format], { stdin: cut }),
        await replay(folder, ['--format', format]),
        await pfctl(['replay', '--bundle', join(home, 'desk'), '--trace', folder, '--format', format]),
      ]),
    );
    for (const [first, ...others] of runs) {
      expect(first?.code).toBe(2);
      for (const other of others) expect(other).toEqual(first);
    }
  });

  test('large integers are kept, and text cannot steer the terminal', async () => {
    const event = { ...mail('evil\u001b[2J\u202e\u009b@x'), tool: 'send_mail' };
    const text = JSON.stringify(trace('s\u0007', [event])).replace(
      '"args":{',
      '"args":{"n":12345678901234567890,',
    );
    for (const format of ['table', 'json']) {
      const { code, out } = await replay('-', ['--format', format], { stdin: text });
      expect(code).toBe(2);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
    const numbered = trace('n', [mail('x')]);
    const large = JSON.stringify(numbered).replace('"to":"x"', '"to":12345678901234567890');
    const { out } = await replay('-', ['--format', 'json'], { stdin: large });
    expect(out).toContain('"value":12345678901234567890');
  });

  test('a weaker mode lets through and still says what it found', async () => {
    const { code, out } = await replay('-', ['--mode', 'shadow'], { stdin: JSON.stringify(lured) });
    expect(code).toBe(2);
    expect(out).toContain('lured #0 send_mail  reject, allow (shadow)');
  });

  test('an empty trace is accepted and has no digest', async () => {
    const { code, out } = await replay('-', ['--format', 'json'], { stdin: JSON.stringify(trace('s', [])) });
    expect({ code, digest: JSON.parse(out).digest }).toEqual({ code: 0, digest: null });
  });
});

describe('a comparison', () => {
  const busy = trace('busy', [mail('bob@x.example', 0), mail('bob@x.example', 1)]);
  const compare = (other: string, value: unknown, format = 'table') =>
    replay('-', ['--compare-bundle', other, '--format', format], { stdin: JSON.stringify(value) });

  test('prints only what would change, and is denied where that is a refusal', async () => {
    const { code, out } = await compare(stricter, busy);
    expect(code).toBe(2);
    expect(out.replace(/[0-9a-f]{64}/g, '…')).toBe(
      `bundle   desk version 1 (…), enforce
compared desk version 1 (…)

busy #1 send_mail
  before  accept, allow (enforce)
  after   reject, block (enforce)
    reason  LIMIT_EXCEEDED by clause few-mails (limits, reject, enforce, medium)
            {"counted":1,"max":1,"window_ms":3600000}

1 change in 2 events of 1 session
digest …
`,
    );
    const { changes, summary } = JSON.parse((await compare(stricter, busy, 'json')).out);
    expect(summary).toEqual({ sessions: 1, events: 2, changes: 1 });
    expect(changes).toMatchObject([
      { session: 'busy', index: 1, before: { effect: 'allow' }, after: { effect: 'block' } },
    ]);
  });

  test('is ok where nothing changes, refused before as after', async () => {
    const { code, out } = await compare(bundle, lured, 'json');
    expect({ code, changes: JSON.parse(out).changes }).toEqual({ code: 0, changes: [] });
  });
});

test('long work says how far it is, to whoever watches', async () => {
  let now = 0;
  const options = {
    stdin: JSON.stringify(
      trace(
        's',
        Array.from({ length: 600 }, () => mail('x')),
      ),
    ),
    now: () => (now += 1500),
  };
  expect((await replay('-', [], options)).err).toBe('');
  const { err } = await replay('-', [], { ...options, watched: true });
  expect(err).toBe('\r\u001b[K512 events, 3 s\r\u001b[K');
});
