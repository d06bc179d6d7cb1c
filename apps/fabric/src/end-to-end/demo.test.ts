import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { pf, temporaryFolder } from './pf-process.fixture.ts';

beforeAll(() => buildPrograms());

/** As somebody types it in the checkout. */
function pfctl(typed: string) {
  return spawnSync('sh', ['-c', `./pfctl ${typed}`], { cwd: ROOT, encoding: 'utf8', timeout: 30_000 });
}

describe('pf demo', () => {
  it('shows an attack succeed without the fabric and fail through it, while the honest work gets done', async () => {
    const { code, out, err } = await pf(['demo', '--directory', join(temporaryFolder(), 'demo')]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [, without, through, driven] = out.split(/^(?:Without|Through) the fabric/m) as [
      string,
      string,
      string,
      string,
    ];
    expect(without).toContain('Mail left for audit@evil.example: THE CUSTOMER LIST');
    expect(through).toMatch(/read_text_file +inbox\/invoice-4711.json +→ pfh1_[a-z2-7]{32}$/m);
    expect(through).not.toContain('evil');
    expect(through).toContain('The agent reports: 1250.00, due 2026-12-15');
    expect(through).toContain('Mail left for accounting@acme.example: the invoice');
    for (const code of ['UNTRUSTED_ARGUMENT', 'LABEL_FLOW', 'HANDLE_INVALID'])
      expect(driven).toContain(`REFUSED  ${code}`);
    expect(driven).toContain('No mail left.');
    // Whoever has never heard of any of this is told what they see.
    expect(through).toMatch(/^A handle \(pfh1_…\) is a random word in place of a text/m);
    const whys = [...driven.matchAll(/REFUSED {2}(\w+) \((?:clause [\w-]+|in every mode)\)\n {4}(\S.*)$/gm)];
    expect(whys.map(([, code, why]) => [code, why?.split(/[:,;]/)[0]])).toEqual([
      [
        'UNTRUSTED_ARGUMENT',
        'the address is neither in the user’s instruction nor one of the bundle’s accounts',
      ],
      ['LABEL_FLOW', 'the handle stands for the customer list'],
      ['HANDLE_INVALID', 'a handle inside of other text'],
      ['HANDLE_INVALID', 'a handle that was made up'],
    ]);
    expect(out).not.toContain('note:');
    expect(out).toMatch(/^head of .*: 1 session ends where it says, and there are no others$/m);
    const commands = [...out.matchAll(/^ {2}\.\/pfctl (.*)$/gm)].map(([, typed]) => typed as string);
    expect(commands).toHaveLength(2);
    const [explained, listed] = commands.map((typed) => pfctl(typed));
    expect(explained).toMatchObject({ stdout: expect.stringContaining('LABEL_FLOW') });
    expect(listed).toMatchObject({ status: 0, stdout: expect.stringContaining('read_text_file') });
    expect(out).toMatch(/^verified: 16 of the 16 entries .* 16 re-derived$/m);
  });
});
