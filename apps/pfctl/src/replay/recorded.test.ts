import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { openRecordSealer } from '@provability-fabric/evidence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ORIGIN, openFabric, type TestFabric } from '../evidence/data-folder.fixture.ts';
import { pfctl, type RunOptions } from '../terminal.fixture.ts';

const folders = temporaryFolders();
let root = '';
let fabric: TestFabric;

beforeAll(async () => {
  root = folders.make({ 'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n` });
  await pfctl(['init', 'desk'], { directory: root });
  await pfctl(['policy', 'compile', join(root, 'bundles/desk')], { directory: root });
  const compiled = readFileSync(join(root, 'bundles/desk/bundle.json'), 'utf8');
  writeFileSync(join(root, 'strict.json'), compiled.replace('"max":3', '"max":1'));
  const open = compiled.replace(/"id":"known-recipients","kind":"flow","mode":"enforce"/, (text) =>
    text.replace('enforce', 'monitor'),
  );
  expect(open).not.toBe(compiled);
  writeFileSync(join(root, 'open.json'), open);
  fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  const mail = (session: string, to: string, tenant?: string) =>
    fabric.call({ session, tool: 'send_mail', args: { to }, ...(tenant === undefined ? {} : { tenant }) });
  for (let count = 0; count < 2; count += 1) await mail('busy', 'team@acme.example');
  await mail('lured', 'mallory@evil.example');
  await mail('calm', 'team@acme.example');
  await mail('theirs', 'team@acme.example', 'globex');
  await fabric.log.flush();
});
afterAll(async () => {
  await fabric?.close();
  folders.removeAll();
});

const here = (args: readonly string[], more: RunOptions = {}) => pfctl(args, { directory: root, ...more });
const replay = (bundle: string, ...more: readonly string[]) =>
  here(['replay', '--recorded', '--bundle', bundle, ...more]);
const DESK = 'bundles/desk';

describe('recorded sessions', () => {
  test.each<[string, readonly string[], string]>([
    ['two sources', ['--trace', 'x'], 'expected --trace or --recorded, came both'],
    ['a summary of one event', ['--why-not', 'a#1', '--summary'], 'expected --why-not without'],
    ['no event', ['--why-not', 'calm'], 'expected SESSION#NUMBER or a certificate id'],
    ['an event that is not there', ['--why-not', 'calm#7'], 'expected one event of the input, came `calm#7`'],
    ['a mistyped mode', ['--mode', 'record'], 'Did you mean recorded?'],
  ])('%s is refused', async (_, more, said) => {
    expect(await replay(DESK, ...more)).toMatchObject({ code: 3, err: expect.stringContaining(said) });
  });

  test.each<[string, readonly string[], string]>([
    ['a session', ['--session', 'nope'], 'came session `nope`; pfctl certs list shows the sessions'],
    ['a tenant', ['--tenant', 'nope'], 'came tenant `nope`'],
    [
      'a session of another tenant',
      ['--session', 'lured', '--tenant', 'globex'],
      'came session `lured` of tenant `globex`',
    ],
  ])('%s that is not on record is no pass', async (_, more, said) => {
    expect(await replay(DESK, ...more, '--summary')).toMatchObject({
      code: 3,
      err: expect.stringContaining(said),
    });
  });

  test('a time with nothing in it is no pass, alone and in a comparison', async () => {
    for (const more of [[], ['--compare-bundle', 'strict.json']]) {
      const { code, err } = await replay(DESK, '--tenant', 'acme', '--until', '2001-01-01', ...more);
      expect((await replay(DESK, '--tenant', 'globex', ...more)).code).toBe(4);
      expect({ code, err }).toEqual({
        code: 4,
        err: 'pfctl: expected an action on record in this selection, came none: nothing was decided\n',
      });
    }
  });

  test('options of recorded sessions say nothing of trace files', async () => {
    const { code, err } = await here(['replay', '--bundle', DESK, '--trace', '-', '--session', 's']);
    expect({ code, err }).toEqual({
      code: 3,
      err: 'pfctl: expected --recorded beside --session, came none\n',
    });
    const mode = await here(['replay', '--bundle', DESK, '--trace', '-', '--mode', 'recorded']);
    expect(mode.err).toContain('expected --recorded beside --mode recorded');
    const none = await here(['replay', '--bundle', DESK]);
    expect(none.err).toContain('expected --trace <path> or --recorded, came none');
  });

  test('get under their own bundle what they got, through the same states, each time', async () => {
    const { code, out, err } = await replay(DESK, '--format', 'json');
    expect(code).toBe(2);
    expect(err).toBe('pfctl: left out 1 session of tenants that the bundle does not serve\n');
    const { events, what_changes: changes } = JSON.parse(out);
    expect(events).toHaveLength(4);
    for (const { session, index, effect, state, recorded } of events) {
      const shown = await here([
        'certs',
        'show',
        `${session}#${index}`,
        '--tenant',
        'acme',
        '--format',
        'json',
      ]);
      const { statement } = JSON.parse(shown.out);
      expect(statement).toMatchObject({ certificate_id: recorded.certificate_id, effect: recorded.effect });
      expect([effect, state.before]).toEqual([recorded.effect, statement.state.before]);
    }
    expect(changes).toEqual({
      blocked: { events: 0, sessions: 0, by: [] },
      held: { events: 0, sessions: 0, by: [] },
      released: { events: 0, sessions: 0, by: [] },
    });
    expect((await replay(DESK, '--format', 'json')).out).toBe(out);
  });

  test('lose under a stricter bundle what each clause takes from them', async () => {
    const { code, out } = await replay('strict.json', '--summary');
    expect(code).toBe(2);
    expect(out.replace(/[0-9a-f]{64}/g, '…')).toBe(`bundle desk version 1 (…), enforce

4 events in 3 sessions: 2 accepted, 2 rejected

newly blocked  1 event in 1 session, by few-mails 1
newly held     0 events
released       0 events

of 2 benign sessions with 3 events, stopped: 1 session, 1 event
STOPPED BY  SESSIONS  EVENTS  ALONE: SESSIONS  ALONE: EVENTS
few-mails   1         1       1                1
digest …
`);
    const json = JSON.parse((await replay('strict.json', '--summary', '--format', 'json')).out);
    expect(json.events).toBeUndefined();
    expect(json.benign).toEqual({
      sessions: 2,
      events: 3,
      stopped: { sessions: 1, events: 1 },
      by: [{ clause: 'few-mails', together: { sessions: 1, events: 1 }, alone: { sessions: 1, events: 1 } }],
    });
  });

  test('gain under a weaker one what it lets through', async () => {
    const { out } = await replay('open.json', '--summary', '--format', 'json');
    expect(JSON.parse(out).what_changes.released).toEqual({
      events: 1,
      sessions: 1,
      by: [{ clause: 'known-recipients', events: 1 }],
    });
    const { out: events } = await replay('open.json', '--session', 'lured');
    expect(events).toContain('lured #1 send_mail  reject, allow (monitor)\n');
    expect(events).toContain('\n  was     block\n');
    // What a mode lets through was not stopped, whatever its verdict.
    expect(events).toContain(
      '1 event in 1 session: 0 accepted, 1 rejected; 1 of what was not accepted let through\n',
    );
  });

  test('compare two bundles', async () => {
    const { code, out } = await replay(
      DESK,
      '--compare-bundle',
      'strict.json',
      '--summary',
      '--format',
      'json',
    );
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      summary: { sessions: 3, events: 4, changes: 1 },
      what_changes: { blocked: { events: 1, sessions: 1, by: [{ clause: 'few-mails', events: 1 }] } },
      benign: { stopped: { events: 1 } },
    });
  });

  test('are selected by session, tenant, time and mode', async () => {
    const events = async (...more: string[]) =>
      JSON.parse((await replay(DESK, '--format', 'json', ...more)).out).summary.events;
    expect(await events('--session', 'busy')).toBe(2);
    expect(await events('--tenant', 'globex')).toBe(0);
    expect(await events('--until', '2001-01-01')).toBe(0);
    expect(await events('--since', '2001-01-01', '--mode', 'recorded')).toBe(4);
    const shadow = JSON.parse((await replay(DESK, '--mode', 'shadow', '--format', 'json')).out);
    expect(shadow.what_changes.released.events).toBe(1);
  });

  test('of which the records were erased are named and counted', async () => {
    const copy = folders.make();
    cpSync(join(root, 'data'), join(copy, 'data'), { recursive: true });
    await openRecordSealer({ directory: join(copy, 'data/keys'), emit: () => {} }).erase('acme');
    const { code, out, err } = await replay(DESK, '--data', join(copy, 'data'));
    expect(code).toBe(0);
    expect(out).toContain('0 events in 0 sessions');
    expect(err).toContain(
      'pfctl: left out 3 sessions whose records were erased: busy of acme, calm of acme, lured of acme\n',
    );
  });
});

describe('why an event is not let through', () => {
  test('by place and by certificate', async () => {
    const { code, out } = await replay('strict.json', '--why-not', 'busy#3');
    expect(code).toBe(2);
    expect(out).toMatch(
      /\nbusy #3 send_mail {2}reject, block \(enforce\)\n {2}reason {2}LIMIT_EXCEEDED by clause few-mails/,
    );
    expect(out).toContain(
      '\nit would be let through with the least change to the bundle\n  clause few-mails in monitor\n' +
        '\nor to the session\n  #1 send_mail not done before\n',
    );
    const shown = await here(['certs', 'show', 'busy#3', '--format', 'json']);
    const id = JSON.parse(shown.out).statement.certificate_id.slice(0, 12);
    expect((await replay('strict.json', '--why-not', id)).out).toBe(out);
    expect((await replay('strict.json', '--why-not', id.toUpperCase())).out).toBe(out);
    const outcome = await replay(DESK, '--why-not', 'busy#2');
    expect(outcome.err).toContain('came `busy#2`, which is the outcome of an action;');
    expect(await replay(DESK, '--why-not', 'busy#3')).toMatchObject({
      code: 0,
      out: expect.stringContaining('\nit is let through\n'),
    });
  });

  test('of a trace; and what no mode weakens is said to be so', async () => {
    const event = (epoch: number, second: number) => ({
      at: `2026-01-01T00:00:0${second}.000Z`,
      action: 'call',
      tool: 'send_mail',
      args: { to: 'mallory@evil.example' },
      epoch,
    });
    const principal = { id: 'a', roles: ['assistant'], tenant: 'acme' };
    const trace = { session: 't', principal, benign: false, events: [event(2, 0), event(1, 1)] };
    const ask = (place: string) =>
      here(['replay', '--bundle', DESK, '--trace', '-', '--why-not', place, '--format', 'json'], {
        stdin: JSON.stringify(trace),
      });
    const first = JSON.parse((await ask('t#0')).out);
    expect(first.changes.session.sets).toEqual([
      [{ kind: 'value in the prompt', parameter: '/to', value: 'mallory@evil.example' }],
    ]);
    const { code, out } = await ask('t#1');
    expect({ code, of: JSON.parse(out).not_weakened }).toEqual({ code: 2, of: ['EPOCH_STALE'] });
    const twice = await here(['replay', '--bundle', DESK, '--trace', '-', '--why-not', 't#1'], {
      stdin: `${JSON.stringify(trace)}\n${JSON.stringify(trace)}`,
    });
    expect(twice).toMatchObject({ code: 3, err: expect.stringContaining('came t#1 of acme, t#1 of acme') });
  });
});

test('a trace says whether it is benign, and what a bundle would cost it is told', async () => {
  const mail = (second: number) => ({
    at: `2026-01-01T00:00:0${second}.000Z`,
    action: 'call',
    tool: 'send_mail',
    args: { to: 'team@acme.example' },
  });
  const principal = { id: 'a', roles: ['assistant'], tenant: 'acme' };
  const trace = { session: 't', principal, events: [mail(0), mail(1)] };
  const run = (benign: unknown) =>
    here(['replay', '--bundle', 'strict.json', '--trace', '-', '--format', 'json'], {
      stdin: JSON.stringify({ ...trace, benign }),
    });
  expect(JSON.parse((await run(true)).out).benign.by).toMatchObject([{ clause: 'few-mails' }]);
  expect(JSON.parse((await run(false)).out).benign).toBeUndefined();
  expect(await run('yes')).toMatchObject({
    code: 3,
    err: expect.stringContaining('expected `benign` to be true or false, came `yes`'),
  });
});
