import { CommandError, plural } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

interface DraftOptions {
  readonly tools?: string;
  readonly openapi?: string;
  readonly mcp?: string;
  readonly directory: string;
  readonly tenant: string;
}

export function addBundleDraft(bundle: Command, shell: Shell): void {
  bundle
    .command('draft')
    .summary('write a first bundle from what tools say of themselves')
    .description(
      'Guesses effects, labels and demands from the names, texts and schemas of tools, with the reason beside each\n' +
        'guess, for a person to review. The same descriptions give the same files. Never overwrites anything.',
    )
    .argument('<name>', "the bundle's name: a-z 0-9 -")
    .option('--tools <file>', 'tool descriptions as MCP or function calling has them, JSON')
    .option('--openapi <file>', 'an OpenAPI 3 document, JSON or YAML: each operation is a tool')
    .option('--mcp <command>', 'a stdio MCP server, which is started and asked; split at spaces, no shell')
    .option('--directory <folder>', 'the folder that gets it', 'bundles')
    .option('--tenant <tenant>', 'the tenant that it serves', 'acme')
    .addHelpText('after', '\nExample:\n  $ pfctl bundle draft desk --tools tools.json\n')
    .action(
      shell.action(async (name: string, options: DraftOptions) => {
        const { draftBundle, parseToolDescriptions } = await import('@provability-fabric/bundle');
        const tools = parseToolDescriptions(await described(shell, options));
        const files = draftBundle(name, options.tenant, tools);
        const { writeNewFolder } = await import('../bundles/write-new-folder.ts');
        const folder = await writeNewFolder(shell, options.directory, name, files);
        const wrote = [...files.keys()].map((file) => `wrote ${folder}/${file}\n`).join('');
        await shell.terminal.write(
          `${wrote}\nDrafted from ${plural(tools.length, 'tool')}. Every line is a guess: read each, then\n` +
            `  ./pfctl policy check ${folder}     say what is wrong with it, if anything\n` +
            `  ./pfctl policy explain ${folder}   read what it demands\n`,
        );
        return EXIT.ok;
      }),
    );
}

/** All descriptions that were asked for, as one list. */
async function described(shell: Shell, { tools, openapi, mcp }: DraftOptions): Promise<JsonValue> {
  const { readDescriptions, readOpenApi } = await import('../bundles/read-descriptions.ts');
  const lists: JsonValue[] = [];
  if (tools !== undefined) lists.push(await readDescriptions(shell, tools));
  if (openapi !== undefined) lists.push(await readOpenApi(shell, openapi));
  if (mcp !== undefined) {
    const { askServer } = await import('../bundles/ask-server.ts');
    lists.push(await askServer(mcp, shell.terminal.directory));
  }
  if (lists.length > 0) return lists.flatMap((list) => (Array.isArray(list) ? list : [list]));
  throw new CommandError(
    'INPUT_INVALID',
    'expected --tools, --openapi or --mcp, came none of them; name one',
  );
}
