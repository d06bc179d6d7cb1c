import { CommandError, collect, visibleJson } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ExplainOptions {
  readonly principal: string;
  readonly role: readonly string[];
  readonly tenant?: string;
  readonly tool?: string;
  readonly args?: string;
  readonly prompt?: string;
  readonly format: Format;
}

export function addPolicyExplain(policy: Command, shell: Shell): void {
  policy
    .command('explain')
    .summary('say in words what a bundle demands, or what an action would get')
    .description(
      'Without --tool: every clause in a sentence, the tools, and who may ever call what. With --tool: what such a call ' +
        'would get as the first action of a session, every check and every reason; exits with 2 where it is not accepted.',
    )
    .argument('<bundle>', 'a bundle folder, or a compiled bundle.json')
    .option('--tool <name>', 'the tool that is called')
    .option('--args <json>', 'its arguments', '{}')
    .option('--principal <id>', 'who calls', 'agent')
    .option('--role <role>', 'a role of theirs; may be given several times', collect, [])
    .option('--tenant <tenant>', "their tenant (default: the bundle's, where it has one)")
    .option('--prompt <text>', 'the trusted instruction before it')
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  $ pfctl policy explain bundles/quickstart\n' +
        '  $ pfctl policy explain bundles/quickstart --role support --tool send_mail --args \'{"to":"x@evil.example"}\'\n' +
        '\nSee also: pfctl explain CERTIFICATE, for why a recorded action got its answer.\n',
    )
    .action(
      shell.action(async (typed: string, options: ExplainOptions, command: Command) => {
        const { openBundle } = await import('../bundles/open-bundle.ts');
        const { tool, format } = options;
        if (tool !== undefined) return explainAction(shell, typed, { ...options, tool });
        const idle = ['args', 'principal', 'role', 'tenant', 'prompt'].find(
          (name) => command.getOptionValueSource(name) === 'cli',
        );
        if (idle !== undefined)
          throw new CommandError('INPUT_INVALID', `expected --tool beside --${idle}, came none`);
        const bundle = await openBundle(shell, typed);
        const { bundleAsJson, bundleAsTable } = await import('../explain/print-bundle.ts');
        await shell.terminal.write(
          format === 'json' ? bundleAsJson(bundle) : bundleAsTable(bundle, shell.style),
        );
        return EXIT.ok;
      }),
    );
}

async function explainAction(
  shell: Shell,
  typed: string,
  { tool, args, principal, role, tenant, prompt, format }: ExplainOptions & { readonly tool: string },
): Promise<ExitCode> {
  const { terminal, style } = shell;
  const { canonicalJson, parseJson } = await import('@provability-fabric/kernel');
  const { decideFirst } = await import('../explain/first-action.ts');
  const { formatEvent } = await import('../output/verdict.ts');
  const { openBundle } = await import('../bundles/open-bundle.ts');
  const parsed = parseArguments(parseJson, args ?? '{}');
  const bundle = await openBundle(shell, typed);
  const event = decideFirst(bundle, {
    principal,
    roles: role,
    tenant,
    tool,
    args: parsed,
    prompt: prompt ?? null,
    at: terminal.now(),
  });
  // Names and state digests of a session that never was would only mislead.
  const { session: _session, index: _index, state: _state, ...answer } = event;
  await terminal.write(
    format === 'json'
      ? `${visibleJson(canonicalJson(answer as unknown as JsonValue))}\n`
      : formatEvent(event, style),
  );
  return event.verdict === 'accept' ? EXIT.ok : EXIT.denied;
}

function parseArguments<Value>(parse: (text: string) => Value, text: string): Value {
  try {
    return parse(text);
  } catch (error) {
    throw new CommandError('INPUT_INVALID', `--args: ${(error as Error).message}`, { cause: error });
  }
}
