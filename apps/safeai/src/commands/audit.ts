import { count, plural, visible } from '@provability-fabric/command-line';
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFolders,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { atDesk } from '../service/desk.ts';
import { localPlace, serviceUrl } from '../service/place.ts';
import type { Shell } from '../shell.ts';

interface AuditOptions extends PlaceOptions, FormatOptions {
  readonly tail: number;
  readonly verify?: boolean;
}

const MOST_RECORDS = 10_000;

export function addAudit(program: Command, shell: Shell): void {
  const command = program
    .command('audit')
    .summary('show or verify the record of changes')
    .description(
      'Prints the last records, oldest first. With --verify it checks instead: the chain, every signature, that all of it is in ' +
        'the ledger, and that nothing of the ledger is missing here. Exit code 1 when anything is wrong.',
    )
    .option('-n, --tail <count>', 'how many records, at most 10000', tailCount, 50)
    .option('--verify', 'check chain, signatures and inclusion');
  withFormat(withPlace(command))
    .addHelpText(
      'after',
      '\nExamples:\n  $ safeai audit --tail 10\n  $ safeai audit --verify --data-dir /data\n',
    )
    .action(
      shell.action(async (options: AuditOptions) =>
        options.verify === true ? verify(shell, options) : tail(shell, options),
      ),
    );
  addRestore(command, shell);
}

function tailCount(text: string): number {
  const records = count(text);
  if (records <= MOST_RECORDS) return records;
  throw new InvalidArgumentError(`Expected at most ${MOST_RECORDS}.`);
}

async function tail(shell: Shell, options: AuditOptions): Promise<number> {
  const url = serviceUrl(shell, options);
  const records =
    url === undefined
      ? await (await import('../service/local-audit.ts')).lastHere(localPlace(shell, options), options.tail)
      : await (await import('../service/remote-desk.ts'))
          .remoteGovernor(shell, url, options.tokenFile)
          .then((governor) => governor.auditLast(options.tail));
  if (wantsJson(options)) for (const record of records) await shell.json(record);
  else {
    const { auditTable } = await import('../output/audit-table.ts');
    await shell.terminal.write(auditTable(records, shell.style));
  }
  return EXIT.ok;
}

async function verify(shell: Shell, options: AuditOptions): Promise<number> {
  const found = await atDesk(shell, options, 'look', (desk) => desk.auditVerify());
  const { valid, error, current_root, behind, problems } = found;
  const sound = valid && behind === 0;
  const lag = `${behind} behind`;
  if (wantsJson(options)) await shell.json({ ...found, valid: sound });
  else if (sound) {
    await shell.good('Audit chain valid');
    if (current_root !== null) await shell.terminal.write(`  root: ${current_root}\n`);
  } else if (behind > 0 && (error === null || error === lag)) shell.bad(`Audit chain: ${lag}`);
  else {
    shell.bad(`Audit chain broken: ${error ?? 'no reason given'}`);
    for (const problem of problems.slice(1)) shell.terminal.note(`  - ${visible(problem)}\n`);
    if (behind > 0) shell.terminal.note(`  - ${lag}\n`);
  }
  return sound ? EXIT.ok : EXIT.failure;
}

function addRestore(audit: Command, shell: Shell): void {
  const command = audit
    .command('restore <file>')
    .summary('put a backup of audit.log back')
    .description(
      'Checks the backup by itself and against the ledger, puts it in the place of audit.log in one step, and adds what ' +
        'the ledger has and the backup lacks.',
    );
  withFormat(withFolders(command))
    .addHelpText('after', '\nExample:\n  $ safeai audit restore audit.log --data-dir /data\n')
    .action(
      // `--data-dir` and `--json` of the parent are the same ones.
      shell.action(async (file: string, _own: unknown, self: Command) => {
        const options: PlaceOptions & FormatOptions = self.optsWithGlobals();
        const { callerOf } = await import('../service/local-desk.ts');
        const governance = await shell.governance();
        const place = localPlace(shell, options);
        const restored = await governance.restoreAudit(place, callerOf(shell), shell.path(file));
        if (wantsJson(options)) await shell.json(restored);
        else {
          const added = restored.added === 0 ? '' : `, and ${restored.added} more from the ledger`;
          await shell.good(`Restored ${plural(restored.records, 'record')}${added}`);
          await shell.terminal.write(`  root: ${restored.current_root}\n`);
          if (!restored.compared)
            shell.terminal.note(
              'nothing is on record here: only chain and signatures of the backup were checked\n',
            );
        }
        return EXIT.ok;
      }),
    );
}
