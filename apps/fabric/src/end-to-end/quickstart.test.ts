import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tamper } from '../quickstart/tamper.ts';
import { buildPrograms, PF, VERIFY } from './built-programs.fixture.ts';
import { itNeeds } from './only-where.fixture.ts';
import { pf, temporaryFolder } from './pf-process.fixture.ts';

let folder: string;
const evidence = () => join(folder, 'evidence.json');
const kept = () => join(folder, 'kept');

beforeAll(async () => {
  await buildPrograms();
  folder = join(temporaryFolder(), 'quickstart');
});

async function quickstart() {
  const started = performance.now();
  const { code, out, err } = await pf(['quickstart', '--directory', folder]);
  console.log(`pf quickstart took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

const REFUSED: readonly (readonly [string, string])[] = [
  ['read_text_file ../../../../etc/passwd', 'NOT_PERMITTED (clause no-path-outside)'],
  ['read_text_file tenants/globex/contracts.txt', 'CROSS_TENANT (clause no-path-outside)'],
  ['send_mail audit@evil.example', 'LABEL_FLOW (clause no-exfiltration)'],
  ['send_mail maria@customer.example', 'LABEL_FLOW (clause no-exfiltration)'],
  ['read_text_file tickets/4712.txt', 'LIMIT_EXCEEDED (clause few-reads)'],
];

describe('pf quickstart', () => {
  it('shows honest work go through, each attack refused by its clause, evidence that verifies and a lie that does not', async () => {
    const out = await quickstart();
    const refused = out.split('\n').filter((line) => line.includes('REFUSED'));
    expect(refused).toHaveLength(REFUSED.length);
    REFUSED.forEach(([call, verdict], at) => {
      expect(refused[at]).toContain(call);
      expect(refused[at]).toContain(verdict);
    });
    expect(out.split('\n').filter((line) => line.endsWith(' allowed'))).toHaveLength(7);
    expect(out).toContain('Mails that left: 1, to maria@customer.example');
    expect(out).toMatch(
      /^verified: 21 of the 21 entries of provability-fabric\.local\/quickstart, .* 21 re-derived$/m,
    );
    expect(out).not.toContain('note:');
    expect(out).toMatch(/^head of .*: 1 session ends where it says, and there are no others$/m);
    expect(out).toContain(`./pfctl explain 'quickstart-1#15' --data ${join(folder, 'data')}\n`);
    expect(out).toMatch(/^NOT VERIFIED: /m);
    expect(out).toMatch(/^VERDICT entry 10, .*expected "block", came "allow"$/m);
    copyFileSync(join(folder, 'checkpoint'), kept());
  });

  it('prints for MCP clients a configuration that starts', async () => {
    const out = await quickstart();
    const { mcpServers } = JSON.parse(out.slice(out.indexOf('{\n  "mcpServers"')));
    const { command, args } = mcpServers.files;
    expect(args).toContain(PF);
    const request = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n';
    const env = { PATH: process.env.PATH, XDG_STATE_HOME: folder };
    const started = spawnSync(command, args, { input: request, env, encoding: 'utf8', timeout: 30_000 });
    expect(started.status).toBe(0);
    expect(JSON.parse(started.stdout).result.tools.map(({ name }: { name: string }) => name)).toContain(
      'read_text_file',
    );

    // The second run went on in the same log, and proves to whoever kept the first checkpoint that nothing was changed.
    expect(out).toMatch(/^Resuming: the log holds 21 statements of earlier runs$/m);
    expect(out).toMatch(/^verified: 21 of the 42 entries /m);
    const { consistency } = JSON.parse(readFileSync(evidence(), 'utf8'));
    expect(consistency.old_checkpoint).toBe(readFileSync(kept(), 'utf8'));
  });
});

describe('pf-verify', () => {
  const unshare = process.getuid?.() === 0 ? ['-n'] : ['-r', '-n'];
  const offline = (...args: readonly string[]) =>
    spawnSync(
      'unshare',
      [...unshare, process.execPath, VERIFY, ...args, '--keys', join(folder, 'data/keys')],
      { encoding: 'utf8' },
    );
  const possible = spawnSync('unshare', [...unshare, 'true']).status === 0;

  itNeeds(possible ? undefined : 'a network namespace cannot be made')(
    'with the network off verifies the evidence, also against the checkpoint kept earlier, and rejects a tampered copy',
    async () => {
      const connect = 'net.connect(80, "127.0.0.1").on("error", ({ code }) => process.stdout.write(code))';
      expect(
        spawnSync('unshare', [...unshare, process.execPath, '-e', connect], { encoding: 'utf8' }).stdout,
      ).toBe('ENETUNREACH');
      expect(offline(evidence(), '--since', kept(), '--require', 're-derived')).toMatchObject({
        status: 0,
        stderr: '',
      });
      const forged = join(folder, 'forged.json');
      writeFileSync(forged, tamper(readFileSync(evidence())));
      expect(offline(forged)).toMatchObject({ status: 1, stdout: expect.stringContaining('NOT VERIFIED') });
    },
  );
});
