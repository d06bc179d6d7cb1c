import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

interface InitOptions {
  readonly directory: string;
  readonly tenant: string;
}

export function addInit(program: Command, shell: Shell): void {
  program
    .command('init')
    .summary('write a first bundle')
    .description(
      'Writes a commented bundle that compiles and passes its own tests. Never overwrites anything.',
    )
    .argument('<name>', "the bundle's name: a-z 0-9 -")
    .option('--directory <folder>', 'the folder that gets it', 'bundles')
    .option('--tenant <tenant>', 'the tenant that it serves', 'acme')
    .addHelpText('after', '\nExample:\n  $ pfctl init support-desk\n')
    .action(
      shell.action(async (name: string, { directory, tenant }: InitOptions) => {
        const { renderTemplate } = await import('@provability-fabric/bundle');
        const { writeNewFolder } = await import('../bundles/write-new-folder.ts');
        const files = renderTemplate(name, tenant);
        const folder = await writeNewFolder(shell, directory, name, files);
        await shell.terminal.write(
          `${[...files.keys()].map((file) => `wrote ${folder}/${file}\n`).join('')}\nNext:\n` +
            `  ./pfctl policy check ${folder}     say what is wrong with it, if anything\n` +
            `  ./pfctl test ${folder}             run its own cases\n` +
            `  ./pfctl policy explain ${folder}   read what it demands\n` +
            `  npx pf run --bundle ${folder} --tenant ${tenant} --role assistant -- CMD …   put it before an MCP server\n`,
        );
        return EXIT.ok;
      }),
    );
}
