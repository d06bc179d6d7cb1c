import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { pf, temporaryFolder } from './pf-process.fixture.ts';

beforeAll(() => buildPrograms());

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
    expect(out).toMatch(/^verified: 16 of the 16 entries .* 16 re-derived$/m);
  });
});
