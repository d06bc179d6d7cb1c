// Programs: what they work with and how they end

export { CommandError, OutputClosedError } from './errors.ts';
export { newProgram } from './new-program.ts';
export { runProgram } from './run-program.ts';
export { CommandShell } from './shell.ts';
export { isGivenWrong, systemCode } from './system-code.ts';
export { type CommandTerminal, processOutput } from './terminal.ts';

// Options: what their values may be

export { choiceOption, collect, count, durationMs, position, required } from './options.ts';

// Output: tables and lines that nobody's text can forge

export { plural } from './plural.ts';
export { type Style, styleFor } from './style.ts';
export { facts, table } from './table.ts';
export { harmless, visible, visibleJson, visibleLines } from './visible.ts';

// Files

export { writeWhole } from './write-whole.ts';
