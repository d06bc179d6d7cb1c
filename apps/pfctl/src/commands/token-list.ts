import { choiceOption, plural, table, visible, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ListOptions extends Place {
  readonly tenant?: string;
  readonly status: 'active' | 'expired' | 'all';
  readonly format: Format;
}

const HEADER = ['token', 'status', 'audience', 'tenant', 'subject', 'session', 'roles', 'expires'];

export function addTokenList(token: Command, shell: Shell): void {
  token
    .command('list')
    .summary('tokens that were made here')
    .description(
      'Lists the records of tokens in the data folder, the newest last. The ledger knows all tokens and which are revoked: ' +
        'GET /capability-tokens.',
    )
    .option('--tenant <tenant>', 'only of this tenant')
    .addOption(choiceOption('--status <status>', 'which', ['active', 'expired', 'all']).default('active'))
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl token list --env production --status all\n')
    .action(
      shell.action(async ({ tenant, status, format, ...place }: ListOptions) => {
        const { readTokenRecords } = await import('../tokens/token-records.ts');
        const { terminal, style } = shell;
        const path =
          place.data === undefined ? (await shell.settings(place.env)).dataDirectory : shell.path(place.data);
        const { records, unreadable } = await readTokenRecords(path);
        const now = terminal.now();
        const rows = records
          .map((record) => ({ ...record, status: record.expiresAt > now ? 'active' : 'expired' }))
          .filter((record) => tenant === undefined || record.tenant === tenant)
          .filter((record) => status === 'all' || record.status === status);
        if (format === 'json') await terminal.write(`${visibleJson(JSON.stringify(rows))}\n`);
        else if (rows.length === 0) await terminal.write('no tokens\n');
        else {
          const cells = rows.map((record) => [
            record.id,
            record.status,
            record.audience,
            record.tenant,
            record.subject,
            record.session ?? '-',
            record.roles.join(' ') || '-',
            new Date(record.expiresAt).toISOString(),
          ]);
          await terminal.write(table(HEADER, cells, style));
          terminal.note(
            'pfctl: active means not expired; which are revoked the ledger knows: GET /capability-tokens\n',
          );
        }
        const [first] = unreadable;
        if (first !== undefined)
          terminal.note(
            `pfctl: ${plural(unreadable.length, 'file')} there are no records: ${visible(first)}\n`,
          );
        return EXIT.ok;
      }),
    );
}
