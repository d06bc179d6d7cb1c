import { choiceOption, collect, count, visible } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { TypedRotation, TypedSchedule } from '../secrets/schedule-body.ts';
import { printed, type SecretOptions, withSecretsPlace } from '../secrets/secret-options.ts';
import type { Shell } from '../shell.ts';

/** As `RotationPolicies` has them; named here so that `--help` need not load them. */
const POLICIES = ['DATABASE_CREDENTIALS', 'API_KEYS', 'JWT_SECRETS', 'ENCRYPTION_KEYS'];

type ScheduleOptions = SecretOptions & TypedSchedule;
type RotateOptions = SecretOptions & TypedRotation;

export function addSecretsRotation(secrets: Command, shell: Shell): void {
  addRotate(secrets, shell);
  addRotation(secrets, shell);
  addSchedule(secrets, shell);
  addUnschedule(secrets, shell);
}

function addRotate(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('rotate'))
    .summary('change a secret now')
    .description(
      'Begins a rotation: a new value is made, set at its target, tested there, and becomes the current version; the old one ' +
        'stays valid through the grace. `pfctl secrets rotation ID` says how far it is. The value is in no answer.',
    )
    .argument('<name>', 'the secret')
    .option('--grace <duration>', "how long the old value stays valid (default: the schedule's, or none)")
    .option('--rotator <name>', "what makes the new value (default: the schedule's, or random)")
    .option('--option <name=value>', 'for the rotator; may be given several times', collect, [])
    .addHelpText('after', '\nExample:\n  $ pfctl secrets rotate db/primary --token-file admin.token\n')
    .action(
      shell.action(async (name: string, { grace, rotator, option, ...rest }: RotateOptions) => {
        const { format, ...place } = rest;
        const { askObject, secretsAt } = await import('../secrets/ask-secrets.ts');
        const { printFacts } = await import('../secrets/print-secrets.ts');
        const at = await secretsAt(shell, place);
        const { rotatingBody } = await import('../secrets/schedule-body.ts');
        const how = rotatingBody({ option, ...(grace && { grace }), ...(rotator && { rotator }) });
        const body = { tenantId: at.tenant, secretKey: name, ...how };
        const said = await askObject(at, { method: 'POST', path: '/admin/secrets/rotate', body });
        await printed(shell, format, said, () => printFacts(said));
        return EXIT.ok;
      }),
    );
}

function addRotation(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('rotation'))
    .summary('how far a rotation is')
    .description('Shows a rotation. Exits with 1 where it failed.')
    .argument('<id>', 'as `pfctl secrets rotate` printed it')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets rotation 0198c5a0-6a2e-7cc1-9d5e-0c6a1b2c3d4e --token-file admin.token\n',
    )
    .action(
      shell.action(async (id: string, { format, ...place }: SecretOptions) => {
        const { askObject, secretsAt } = await import('../secrets/ask-secrets.ts');
        const { printFacts } = await import('../secrets/print-secrets.ts');
        const at = await secretsAt(shell, place);
        const query = new URLSearchParams({ tenant: at.tenant });
        const path = `/admin/secrets/rotations/${encodeURIComponent(id)}?${query}`;
        const said = await askObject(at, { method: 'GET', path });
        await printed(shell, format, said, () => printFacts(said));
        return said.phase === 'failed' ? EXIT.failure : EXIT.ok;
      }),
    );
}

function addSchedule(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('schedule'))
    .summary('change a secret by itself, from now on')
    .description(
      'Without further options shows the schedule of a secret. With them, sets it: a policy, or so many days, or a cron ' +
        'expression of five fields. `*/90` in its day-of-month field is read as every 90 days, with a warning: cron itself ' +
        'would begin anew each month.',
    )
    .argument('<name>', 'the secret')
    .addOption(
      choiceOption('--policy <policy>', 'how often, and how long the old value stays valid', POLICIES),
    )
    .option('--every-days <n>', 'every so many days', count)
    .option('--at <HH:MM>', 'at this time of day (default: 02:00)')
    .option('--cron <expression>', 'five fields, in UTC unless --time-zone says otherwise')
    .option('--time-zone <zone>', 'such as Europe/Berlin')
    .option('--grace <duration>', "how long the old value stays valid (default: the policy's)")
    .option('--jitter <duration>', 'put each run off by a random time below this')
    .option(
      '--rotator <name>',
      'what makes the new value: random, key-pair, postgres-roles, webhook (default: random)',
    )
    .option('--option <name=value>', 'for the rotator; may be given several times', collect, [])
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl secrets schedule db/primary --policy DATABASE_CREDENTIALS --token-file admin.token\n' +
        '  $ pfctl secrets schedule api/key --every-days 30 --at 04:00 --grace 2h --token-file admin.token\n',
    )
    .action(
      shell.action(async (name: string, options: ScheduleOptions) => {
        const { askObject, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
        const { printFacts } = await import('../secrets/print-secrets.ts');
        const { scheduleBody } = await import('../secrets/schedule-body.ts');
        const body = scheduleBody(options);
        const at = await secretsAt(shell, options);
        const path = `/admin/secrets/schedules/${encodeURIComponent(at.tenant)}/${pathOf(name)}`;
        const said = await askObject(
          at,
          body === undefined ? { method: 'GET', path } : { method: 'PUT', path, body },
        );
        if (typeof said.warning === 'string') shell.terminal.note(`pfctl: ${visible(said.warning)}\n`);
        await printed(shell, options.format, said, () => printFacts(said));
        return EXIT.ok;
      }),
    );
}

function addUnschedule(secrets: Command, shell: Shell): void {
  withSecretsPlace(secrets.command('unschedule'))
    .summary('change a secret by hand only')
    .description('Takes the schedule of a secret away. A rotation that is under way goes on.')
    .argument('<name>', 'the secret')
    .addHelpText('after', '\nExample:\n  $ pfctl secrets unschedule db/primary --token-file admin.token\n')
    .action(
      shell.action(async (name: string, { format, ...place }: SecretOptions) => {
        const { askSecrets, pathOf, secretsAt } = await import('../secrets/ask-secrets.ts');
        const at = await secretsAt(shell, place);
        const path = `/admin/secrets/schedules/${encodeURIComponent(at.tenant)}/${pathOf(name)}`;
        await askSecrets(at, { method: 'DELETE', path });
        await printed(
          shell,
          format,
          { name, result: 'unscheduled' },
          () => `${visible(name)}: unscheduled\n`,
        );
        return EXIT.ok;
      }),
    );
}
