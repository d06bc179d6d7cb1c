import { describe, expect, it } from 'vitest';
import { down, FIELD_CASES, fields, OPEN, RELEASE_CASES, release, tool } from './flow-cases.fixture.ts';
import { compiled, findingsOf, sourcesWith, unmarked } from './sources.fixture.ts';

describe('what is no release', () => {
  it.each(RELEASE_CASES)('%s: %s', async (code, _what, keys) => {
    const { sources, place } = unmarked(sourcesWith(release(keys)));
    const found = await findingsOf(sources);
    expect(found.map((finding) => finding.replace(/:\d+$/, ''))).toContain(
      `${code} at ${place.replace(/:\d+$/, '')}`,
    );
  });

  it('keeps restricting nothing once it has expired, and says so', async () => {
    const sources = sourcesWith(release(`rule: declassify, expires: 2020-01-01T00:00:00Z, ${down}`));
    expect(await findingsOf(sources, { now: Date.parse('2026-01-01') })).toHaveLength(1);
  });
});

describe('fields', () => {
  it.each(FIELD_CASES)('are refused with %s: %s %s', async (code, _what, text) => {
    const { sources, place } = unmarked(sourcesWith(fields(text)));
    expect(await findingsOf(sources)).toContain(`${code} at ${place}`);
  });

  it('are refused beyond their number', async () => {
    const many = Array.from({ length: 65 }, (_, index) => `f${index}: { ${OPEN} }`).join(', ');
    expect((await findingsOf(sourcesWith(fields(many)))).join()).toContain('TOO_MANY');
    const places = Array.from({ length: 31 }, (_, index) => `{ result: book, field: f${index} }`).join(', ');
    const demanding = tool(`{ ${OPEN} }`, `from: [${places}]`);
    expect((await findingsOf(sourcesWith(demanding))).join()).toContain('TOO_MANY');
  });

  it('are refused on demands that nobody could meet or tell', async () => {
    const codes = async (parameter: string) =>
      (await findingsOf(sourcesWith(tool(`{ ${OPEN} }`, parameter)))).join();
    expect(await codes('member_of: { result: boook, field: id }')).toContain('UNKNOWN_TOOL');
    expect(await codes('member_of: { result: book }')).toContain('MISSING_KEY');
    expect(await codes('from: [{ result: book, field: "/~2" }]')).toContain('WRONG_VALUE');
    expect(await codes('from: [unknown], endorse: [unknown]')).toContain('ENDORSE_NOT_IN_FROM');
    expect(
      await codes('from: [{ result: book, field: a }], endorse: [{ result: book, field: b }]'),
    ).toContain('ENDORSE_NOT_IN_FROM');
  });
});

describe('flow rules', () => {
  it('compile to pointers and labels in their one form', async () => {
    const { bundle } = await compiled(
      sourcesWith({
        ...tool(
          '{ level: internal, integrity: untrusted, fields: { id: { level: public, integrity: trusted } } }',
          'from: [{ result: book, field: id }, unknown], trusted: true, endorse: [{ result: book, field: /id }], member_of: { result: book, field: id }, same_tenant: true',
        ),
        ...release(`rule: declassify, parameter: to, type: id, ${down}`),
      }),
    );
    expect(bundle.tools.book).toMatchObject({
      fields: { '/id': { level: 'public', compartments: [], integrity: 'trusted' } },
      parameters: {
        '/to': {
          from: [{ kind: 'result', tool: 'book', field: '/id' }, { kind: 'unknown' }],
          endorse: [{ kind: 'result', tool: 'book', field: '/id' }],
          trusted: true,
          same_tenant: true,
          member_of: { tool: 'book', field: '/id' },
        },
      },
    });
    const compiledRelease = bundle.clauses.find(({ id }) => id === 'x');
    expect(compiledRelease).toMatchObject({
      kind: 'release',
      rule: 'declassify',
      parameter: '/to',
      type: 'id',
    });
  });

  it('let the prompt be endorsed beside `trusted` alone', async () => {
    const sources = sourcesWith(tool(`{ ${OPEN} }`, 'trusted: true, endorse: [prompt]'));
    await expect(compiled(sources)).resolves.toBeDefined();
  });
});
