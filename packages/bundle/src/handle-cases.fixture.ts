import type { COMPILE_ERROR_CODES } from './errors.ts';
import { PARTS, type Parts } from './sources.fixture.ts';

type Case = readonly [code: (typeof COMPILE_ERROR_CODES)[number], about: string, parts: Parts];

export const CLEAR = '{ level: internal, integrity: trusted }';

/** A bundle with these members of `handles`. */
export const handles = (members: string, parts: Parts = {}): Parts => ({
  ...parts,
  clauses: `${parts.clauses ?? PARTS.clauses}handles: { ${members} }\n`,
});
const extract = (rule: string, parts: Parts = {}): Parts =>
  handles(`clearance: ${CLEAR}, extract: [{ ${rule} }]`, parts);

/** Handles that must not compile; ‸ marks where the one error is reported. */
export const HANDLE_CASES: readonly Case[] = [
  ['UNKNOWN_KEY', 'a key of nobody', handles(`clearance: ${CLEAR}, ‸colour: red`)],
  ['WRONG_VALUE', 'a rule without forms', extract(`tool: read_file, types: ‸[], label: ${CLEAR}`)],
  ['WRONG_VALUE', 'a form of nobody', extract(`tool: read_file, types: [‸poem], label: ${CLEAR}`)],
  [
    'WRONG_VALUE',
    'a role without a name',
    handles(`clearance: ${CLEAR}, roles: [{ roles: ‸[], clearance: ${CLEAR} }]`),
  ],
  ['UNKNOWN_TOOL', 'a tool of nobody', extract(`tool: ‸red_file, types: [date], label: ${CLEAR}`)],
  [
    'UNKNOWN_CONSTANT',
    'a set of nobody',
    extract(`tool: read_file, types: [enum], of: [‸teem], label: ${CLEAR}`),
  ],
  ['HANDLES_INVALID', 'an enum without a set', extract(`tool: read_file, types: ‸[enum], label: ${CLEAR}`)],
  [
    'HANDLES_INVALID',
    'a set without an enum',
    extract(`tool: read_file, types: ‸[date], of: [team], label: ${CLEAR}`),
  ],
  [
    'HANDLES_INVALID',
    'what was taken out, taken out again',
    extract(`tool: ‸fabric_extract, types: [date], label: ${CLEAR}`),
  ],
  [
    'HANDLES_INVALID',
    'a tool of the fabric’s name',
    extract(`tool: read_file, types: [date], label: ${CLEAR}`, {
      tools: `${PARTS.tools}  ‸fabric_extract: { effect: read, returns: ${CLEAR} }\n`,
    }),
  ],
];
