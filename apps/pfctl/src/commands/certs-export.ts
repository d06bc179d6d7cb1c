import { CommandError, plural, required, writeWhole } from '@provability-fabric/command-line';
import type { LogReading } from '@provability-fabric/evidence';
import type { Command } from 'commander';
import type { DataFolder } from '../evidence/data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ExportOptions extends Place {
  readonly session?: string;
  readonly tenant?: string;
  readonly output?: string;
  readonly since?: string;
}

export function addCertificatesExport(certificates: Command, shell: Shell): void {
  certificates
    .command('export')
    .summary("write a session's evidence for pf-verify")
    .description(
      "Writes a session's statements, their proofs and the decision inputs into one file that pf-verify checks offline. The " +
        'file holds prompts, arguments and results: it is written for its owner alone.',
    )
    .argument('[certificate]', 'or the session of this certificate, access or statement digest')
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--session <id>', 'required without a certificate: the session')
    .option('--tenant <tenant>', 'its tenant, where several have a session of that name')
    .option('--output <file>', 'required: where to write')
    .option('--since <file>', 'a checkpoint that the verifier kept: prove that the log only grew since')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl certs export --session s-1 --output evidence.json\n' +
        '\nThe proof of a row of secret_audit_logs, by its statement_digest:\n' +
        '  $ pfctl certs export 3f9c…64 digits… --output access.json && npx pf-verify access.json --keys .pf/keys\n',
    )
    .action(
      shell.action(async (certificate: string | undefined, options: ExportOptions) => {
        if (certificate !== undefined && options.session !== undefined)
          throw new CommandError(
            'INPUT_INVALID',
            'expected a certificate or --session, came both; leave one out',
          );
        if (certificate === undefined) required(options.session, '--session <id>');
        const output = required(options.output, '--output <file>');
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { openLog } = await import('../evidence/open-log.ts');
        const { exportSessions } = await import('../evidence/export-sessions.ts');
        const { nodeCrypto, openHeadProver, readKeptHeads } = await import('@provability-fabric/evidence');
        const { readFile } = await import('node:fs/promises');
        const folder = await requireDataFolder(shell, options);
        const since =
          options.since === undefined ? undefined : await readFile(shell.path(options.since), 'utf8');
        const log = await openLog(folder);
        const { tenant, session } = await namedSession(log, folder, certificate, options);
        const head = await openHeadProver(nodeCrypto(), log, await readKeptHeads(folder.path));
        const { entries, bytes } = await exportSessions(log, folder, [{ tenant, session }], since, head);
        await writeWhole(shell.path(output), bytes, 0o600);
        await shell.terminal.write(
          `wrote ${output}: ${plural(entries, 'statement')} under the checkpoint of size ${log.checkpoint().size}\n` +
            `Check it with: npx pf-verify ${output} --keys ${folder.shown}/keys\n`,
        );
        return EXIT.ok;
      }),
    );
}

async function namedSession(
  log: LogReading,
  folder: DataFolder,
  certificate: string | undefined,
  { session = '', tenant }: ExportOptions,
): Promise<{ readonly tenant: string; readonly session: string }> {
  const { tenantOf } = await import('../evidence/export-sessions.ts');
  if (certificate === undefined) return { tenant: tenantOf(log, session, tenant), session };
  const { findCertificate } = await import('../evidence/find-certificate.ts');
  return (await findCertificate(folder, certificate, tenant)).statement;
}
