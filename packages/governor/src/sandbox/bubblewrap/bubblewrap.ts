import type { SandboxEngine } from '../engine.ts';
import { programVersion } from '../program-version.ts';
import { seccompFilter } from '../seccomp/filter.ts';
import { diagnose } from './diagnosis.ts';
import { launch } from './launch.ts';
import { startBubblewrap } from './start.ts';

export function bubblewrapEngine(program: string): SandboxEngine {
  return {
    version: async () => {
      const name = await programVersion(program);
      return name === undefined
        ? { missing: 'bubblewrap cannot be run: install the package bubblewrap, 0.8 or newer' }
        : { name };
    },
    prepare: async ({ run, systemFolders, masked, architecture, entrances, user }) => {
      const seccomp = seccompFilter(architecture);
      const input = { bubblewrap: program, run, systemFolders, masked, seccomp, entrances, user };
      return {
        starts: run.commands.map((command) => {
          const launched = launch({ ...input, command });
          return (onOutput) => startBubblewrap(launched, onOutput);
        }),
        close: async () => {},
      };
    },
    diagnose,
  };
}
