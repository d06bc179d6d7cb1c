import {
  canonicalBytes,
  type JsonValue,
  parseJsonBytes,
  strictCanonicalBytes,
} from '@provability-fabric/kernel';
import { loadBundle, parseCompiledBundle } from '@provability-fabric/policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileBundle } from './compile.ts';
import { compiled, crypto, PARTS, sourcesWith } from './sources.fixture.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a compiled bundle', () => {
  it('has the same bytes in whatever order its files are given', async () => {
    const { bytes } = await compiled(sourcesWith());
    const backwards = { files: new Map([...sourcesWith().files].reverse()) };
    expect(hex((await compiled(backwards)).bytes)).toBe(hex(bytes));
  });

  it('differs only in its sources where keys are written in another order', async () => {
    const { head, constants, stores, tools, documents, clauses } = PARTS;
    const sorted = [clauses, constants, documents, head, stores, tools].join('');
    const files = new Map(sourcesWith().files).set(
      'bundle.yaml',
      sorted.replace('{ id: labels, kind: flow', '{ kind: flow, id: labels'),
    );
    const { sources: theirs, ...rest } = (await compiled({ files })).bundle;
    const { sources: ours, ...same } = (await compiled(sourcesWith())).bundle;
    expect(rest).toEqual(same);
    expect(theirs).not.toEqual(ours);
  });

  it('differs only in its sources where a comment was added', async () => {
    const before = await compiled(sourcesWith());
    const after = await compiled(
      sourcesWith({ documents: `# a comment\n${PARTS.documents}`, tests: `# one\n${PARTS.tests}` }),
    );
    const { sources, ...rest } = after.bundle;
    const { sources: old, ...same } = before.bundle;
    expect(rest).toEqual(same);
    expect(Object.keys(sources).filter((path) => sources[path] !== old[path])).toEqual([
      'bundle.yaml',
      'tests/basic.yaml',
    ]);
    expect(after.digest).not.toBe(before.digest);
  });

  it('has another digest once any source has another byte', async () => {
    const { digest } = await compiled(sourcesWith());
    for (const path of sourcesWith().files.keys()) {
      const files = new Map(sourcesWith().files);
      files.set(path, `${files.get(path)}\n`);
      expect((await compiled({ files })).digest, path).not.toBe(digest);
    }
    expect((await compiled(sourcesWith({ schema: '' }))).bundle.hashes.policy).not.toBe(
      (await compiled(sourcesWith())).bundle.hashes.policy,
    );
  });

  it('is canonical, reads back as itself, and has the digest that the engine gives it', async () => {
    const { bytes, bundle, digest } = await compiled(sourcesWith());
    const value = parseJsonBytes(bytes);
    expect(hex(canonicalBytes(value))).toBe(hex(bytes));
    const again = parseCompiledBundle(value);
    expect(again).toEqual(bundle);
    expect(hex(strictCanonicalBytes(again as unknown as JsonValue))).toBe(hex(bytes));
    expect(loadBundle(again, crypto).digest).toBe(digest);
  });

  it('hashes its automata, its labels and its policies apart', async () => {
    const { bundle } = await compiled(sourcesWith());
    const changed = async (parts: Parameters<typeof sourcesWith>[0]) => {
      const { hashes } = (await compiled(sourcesWith(parts))).bundle;
      return (['policy', 'automata', 'labeler'] as const).filter(
        (part) => hashes[part] !== bundle.hashes[part],
      );
    };
    expect(
      await changed({
        clauses: `${PARTS.clauses}  - { id: x, kind: trace, never: { tools: [send_mail] } }\n`,
      }),
    ).toEqual(['automata']);
    expect(await changed({ constants: 'constants: { team: [] }\n' })).toEqual(['labeler']);
    expect(await changed({ policy: `${PARTS.policy}// a comment\n` })).toEqual(['policy']);
    expect(await changed({ clauses: `${PARTS.clauses}  - { id: x, kind: limit, max: 1 }\n` })).toEqual([]);
  });

  it('lists the clauses of bundle.yaml first, then the Cedar policies that it does not mention', async () => {
    const { bundle } = await compiled(sourcesWith());
    expect(bundle.clauses.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
      'flow arguments',
      'flow labels',
      'permit reading',
      'permit mailing',
    ]);
    expect(bundle.clauses[3]).toEqual({
      kind: 'permit',
      id: 'mailing',
      mode: 'enforce',
      severity: 'medium',
      owner: 'security@acme.example',
      expires: null,
      critical: false,
      description: '',
    });
  });

  it('says what was left out in full', async () => {
    const { tools, stores } = (await compiled(sourcesWith())).bundle;
    expect(tools.read_file).toEqual({
      effect: 'read',
      once: false,
      returns: null,
      fields: {},
      text: 'json',
      clearance: null,
      parameters: {
        '/path': {
          from: null,
          endorse: [],
          trusted: false,
          same_tenant: false,
          member_of: null,
          stores: ['inbox', 'own'],
          optional: false,
        },
      },
    });
    expect(stores.inbox?.accepts).toEqual(stores.inbox?.label);
  });

  it('takes the integrity that `accepts` leaves out from the label of its store', async () => {
    const { bundle } = await compiled(
      sourcesWith({
        stores: `${PARTS.stores}  other:\n    paths: [other]\n    label: { level: internal, integrity: trusted }\n    accepts: { level: public }\n`,
      }),
    );
    expect(bundle.stores.other?.accepts).toEqual({ level: 'public', compartments: [], integrity: 'trusted' });
  });

  it('turns trace clauses into small automata', async () => {
    const { bundle } = await compiled(
      sourcesWith({
        clauses: `${PARTS.clauses}
  - { id: not-admin, kind: trace, never: { effects: [admin] } }
  - { id: one-mail, kind: trace, after: { tools: [send_mail] }, never: { tools: [send_mail] } }
`,
      }),
    );
    const any = { tools: null, effects: null, label: null, args: null, principal: null };
    const stay = {
      from: 0,
      at: 'asked',
      in: [],
      not_in: [],
      full: null,
      to: 0,
      action: null,
      violation: null,
    };
    const register = null;
    expect(bundle.automata.automata).toEqual([
      {
        clause: 'not-admin',
        initial: 0,
        states: 1,
        classes: [{ on: { ...any, effects: ['admin'] }, unknown: 'in' }],
        register,
        transitions: [
          { ...stay, in: [0], violation: 'TRACE_FORBIDDEN' },
          { ...stay, not_in: [0] },
          { ...stay, at: 'done' },
        ],
      },
      {
        clause: 'one-mail',
        initial: 0,
        states: 2,
        // Both classes are one.
        classes: [{ on: { ...any, tools: ['send_mail'] }, unknown: 'in' }],
        register,
        transitions: [
          { ...stay, in: [0], to: 1 },
          { ...stay, not_in: [0] },
          { ...stay, at: 'done' },
          { ...stay, from: 1, in: [0], to: 1, violation: 'TRACE_FORBIDDEN' },
          { ...stay, from: 1, not_in: [0], to: 1 },
          { ...stay, from: 1, at: 'done', to: 1 },
        ],
      },
    ]);
  });

  it('keeps times as ms and sets in one order', async () => {
    const { bundle } = await compiled(
      sourcesWith({
        head: PARTS.head
          .replace('[acme, globex]', '[globex, acme, globex]')
          .concat('expires: 2027-12-31T01:00:00+01:00\n'),
        constants: 'constants: { team: [b, a, 10, 9, b] }\n',
        clauses: `${PARTS.clauses}  - { id: x, kind: limit, max: 2, window: 1h30m, tolerance: 5s, on: { effects: [write, read, write] } }\n`,
      }),
    );
    expect(bundle.tenants).toEqual(['acme', 'globex']);
    expect(bundle.constants.team).toEqual(['a', 'b', 10, 9]);
    expect(bundle.expires).toBe(Date.parse('2027-12-31T00:00:00Z'));
    expect(bundle.clauses.find(({ id }) => id === 'x')).toMatchObject({
      max: 2,
      window_ms: 5_400_000,
      tolerance_ms: 5000,
      on: { tools: null, effects: ['read', 'write'] },
    });
  });
});

describe('the compiler', () => {
  it('answers whatever it is given, without throwing and without a bundle that does not run', async () => {
    const words = [
      ...Object.values(PARTS)
        .join(' ')
        .split(/[\s,]+/),
      '{',
      '}',
      '[',
      ']',
      '- ',
      ': ',
      '\n',
      '\n  ',
      '&a',
      '*a',
      '!x',
      '"',
      "'",
      '|',
      '>',
      '%',
      '---',
      '\t',
      '\u0000',
      '\ud800',
      '1e999',
      '0x10',
      '.inf',
      '__proto__',
      'constructor',
      '<<',
    ];
    const garbage = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(''));
    const text = fc.oneof(garbage, fc.string({ unit: 'binary', maxLength: 200 }));
    const parts = fc.record(
      { stores: text, tools: text, documents: text, clauses: text, tests: text },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(parts, async (changed) => {
        const result = await compileBundle(sourcesWith(changed as Parameters<typeof sourcesWith>[0]), crypto);
        if (result.ok) loadBundle(result.bundle, crypto);
        else expect(result.errors.length).toBeGreaterThan(0);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('compiles 1,000 clauses, half of them Cedar policies, within two seconds of a processor', async () => {
    await compiled(sourcesWith()); // loading cedar-wasm is not compiling
    const half = Array.from({ length: 500 }, (_, index) => index);
    const sources = sourcesWith({
      clauses:
        PARTS.clauses +
        half
          .map(
            (n) =>
              `  - { id: limit-${n}, kind: limit, max: ${n + 1}, window: 1h, on: { tools: [send_mail] } }\n`,
          )
          .join(''),
      policy:
        PARTS.policy +
        half
          .map(
            (n) =>
              `@id("permit-${n}")\npermit (principal == Agent::"a${n}", action == Action::"call", resource == Tool::"read_file") when { context.args has path && context.args.path like "in/${n}/*" };\n`,
          )
          .join(''),
    });
    // What others take of the machine meanwhile is not the compiler's.
    const before = process.cpuUsage();
    const { bundle } = await compiled(sources);
    const { user, system } = process.cpuUsage(before);
    expect(bundle.clauses.length).toBe(1004);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});
