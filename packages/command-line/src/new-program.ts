import { Command } from 'commander';
import type { CommandTerminal } from './terminal.ts';
import { visibleLines } from './visible.ts';

/** A program without commands yet; `complaint` stands before what it says of a command line that it cannot read. */
export function newProgram(name: string, complaint: string, terminal: CommandTerminal): Command {
  return new Command(name)
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      // Help is short, so nobody need wait for it to be taken.
      writeOut: (text) => void terminal.write(text),
      writeErr: (text) => terminal.note(text),
      outputError: (text, write) => write(visibleLines(text.replace(/^error: /, complaint))),
      getOutHasColors: () => terminal.colour,
      getErrHasColors: () => false,
    });
}
